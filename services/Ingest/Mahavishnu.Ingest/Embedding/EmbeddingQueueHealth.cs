using Mahavishnu.Storage;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mahavishnu.Ingest;

/// <summary>Part <c>queue</c>: how many memories wait for a vector and for how long, and how many have been given up on. Data: depth, oldestSeconds, failed.</summary>
internal static class EmbeddingQueueHealth
{
    public static async Task<HealthCheckResult> LookAsync(EmbeddingQueueStore queue, TimeProvider time, CancellationToken ct)
    {
        var status = await queue.StatusAsync(ct);
        var data = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["depth"] = status.Pending + status.Running,
            ["oldestSeconds"] = status.OldestPending is { } oldest ? Math.Round(Math.Max(0, (time.GetUtcNow() - oldest).TotalSeconds), 2) : 0.0,
            ["failed"] = status.Failed,
        };
        return status.Failed > 0
            ? HealthCheckResult.Degraded($"{status.Failed} memories could not be embedded; see /api/v1/embeddings/dead-letters.", data: data)
            : HealthCheckResult.Healthy("No memory has failed", data);
    }
}
