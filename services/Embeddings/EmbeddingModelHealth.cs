using Mahavishnu.Contracts;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mahavishnu.Embeddings;

/// <summary>Check <c>embedding-model</c>: whether the models in use answer. Never unhealthy: words go on without. Asks at most every ten seconds, however often it is asked.</summary>
internal sealed class EmbeddingModelHealth(EmbeddingModels models, TimeProvider time) : IHealthCheck
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Lately = TimeSpan.FromMinutes(2);

    private readonly Lock _lock = new();
    private Task<HealthCheckResult>? _last;
    private long _at;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            if (_last is null || (_last.IsCompleted && time.GetElapsedTime(_at) >= Fresh))
            {
                // Whoever asked may go away; the answer is for all.
                (_last, _at) = (AskAsync(), time.GetTimestamp());
            }

            return _last.WaitAsync(cancellationToken);
        }
    }

    private async Task<HealthCheckResult> AskAsync()
    {
        var inUse = models.InUse(Lately);
        var statuses = inUse.Count == 0
            ? [await models.StatusAsync(null, CancellationToken.None)]
            : await Task.WhenAll(inUse.Select(m => models.StatusAsync(m, CancellationToken.None)));
        var worst = Array.Find(statuses, s => s.State != EmbeddingProviderStates.Ready) ?? statuses[0];
        var data = new Dictionary<string, object>(StringComparer.Ordinal) { ["provider"] = worst.Provider, ["state"] = worst.State };
        if (worst.Model is { } model)
        {
            data["model"] = model;
        }

        if (worst.Hint is { } hint)
        {
            data["hint"] = hint;
        }

        return worst.State == EmbeddingProviderStates.Ready
            ? HealthCheckResult.Healthy(worst.Message ?? "The embedding model answers", data)
            : HealthCheckResult.Degraded(worst.Message, data: data);
    }
}
