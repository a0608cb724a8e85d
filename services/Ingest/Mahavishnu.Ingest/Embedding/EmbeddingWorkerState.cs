using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mahavishnu.Ingest;

/// <summary>What keeps this process from embedding now, if anything: for its log (once), its health and its operations.</summary>
internal sealed class EmbeddingWorkerState
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<int, string> _troubles = [];

    /// <summary>The database does not answer.</summary>
    public const int Database = -2;

    /// <summary>There is no space, and no model to make one of.</summary>
    public const int NoSpace = -1;

    /// <summary>All of it, a sentence each; null when all is well.</summary>
    public string? Trouble
    {
        get
        {
            lock (_gate)
            {
                return _troubles.Count == 0 ? null : string.Join(' ', _troubles.Values);
            }
        }
    }

    /// <param name="where"><see cref="Database"/>, <see cref="NoSpace"/> or the id of a space.</param>
    /// <returns>Null when nothing is in the way there.</returns>
    public string? At(int where)
    {
        lock (_gate)
        {
            return _troubles.GetValueOrDefault(where);
        }
    }

    /// <returns>True when trouble there is news: then it is worth a log line.</returns>
    public bool Report(int where, string trouble)
    {
        lock (_gate)
        {
            var news = !_troubles.ContainsKey(where);
            _troubles[where] = trouble;
            return news;
        }
    }

    public void Over(int where)
    {
        lock (_gate)
        {
            _troubles.Remove(where);
        }
    }
}

/// <summary>Check <c>embedding-worker</c>: degraded, never unhealthy, while a model is away or another than the memories'.</summary>
internal sealed class EmbeddingWorkerCheck(EmbeddingWorkerState state) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(state.Trouble is { } trouble ? HealthCheckResult.Degraded(trouble) : HealthCheckResult.Healthy("Memories are embedded as they come"));
}
