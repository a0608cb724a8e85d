using Mahavishnu.Contracts;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mahavishnu.Migration;

/// <summary>Part <c>session_buddy</c>: how the last import stands. Data: import, state, startedAt, finishedAt, read, imported, duplicate, rejected.</summary>
internal static class LastImportHealth
{
    public static async Task<HealthCheckResult> LookAsync(ImportStore imports, CancellationToken ct)
    {
        if (await imports.ListAsync(null, 1, ct) is not [var last])
        {
            return HealthCheckResult.Healthy("Nothing has been imported yet");
        }

        var data = new Dictionary<string, object>(StringComparer.Ordinal) { ["import"] = last.ImportId, ["state"] = last.Status, ["startedAt"] = last.StartedAt };
        if (last.FinishedAt is { } finished)
        {
            data["finishedAt"] = finished;
        }

        (data["read"], data["imported"], data["duplicate"], data["rejected"]) = (last.Total.Read, last.Total.Imported, last.Total.Duplicate, last.Total.Rejected);
        return last.Status == ImportStatuses.Failed
            ? HealthCheckResult.Degraded($"The last import failed; `mahavishnu import show {last.ImportId}` says how far it came, and the same import goes on with it.", data: data)
            : HealthCheckResult.Healthy($"The last import is {last.Status}", data);
    }
}
