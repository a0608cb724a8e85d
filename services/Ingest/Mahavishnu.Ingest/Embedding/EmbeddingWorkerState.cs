using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mahavishnu.Ingest;

/// <summary>What can keep this process from embedding.</summary>
internal enum EmbeddingTrouble
{
    Database,
    Model,
    OtherModel,
}

/// <summary>What keeps this process from embedding now, if anything: for its log (once) and its health.</summary>
internal sealed class EmbeddingWorkerState
{
    private readonly Lock _gate = new();
    private readonly Dictionary<EmbeddingTrouble, string> _troubles = [];

    /// <summary>The worst of it; null when all is well.</summary>
    public string? Trouble
    {
        get
        {
            lock (_gate)
            {
                return _troubles.OrderByDescending(t => t.Key).Select(t => t.Value).FirstOrDefault();
            }
        }
    }

    /// <returns>True when this kind of trouble is news: then it is worth a log line.</returns>
    public bool Report(EmbeddingTrouble kind, string trouble)
    {
        lock (_gate)
        {
            var news = !_troubles.ContainsKey(kind);
            _troubles[kind] = trouble;
            return news;
        }
    }

    public void Over(EmbeddingTrouble kind)
    {
        lock (_gate)
        {
            _troubles.Remove(kind);
        }
    }

    /// <summary>Why vectors of <paramref name="model"/> must not go into <paramref name="space"/>; null where they may.</summary>
    public static string? Mismatch(EmbeddingSpace space, EmbeddingModel model) =>
        space.Identity == model
            ? null
            : $"The memories are embedded with {Name(space.Model, space.Digest)}, this server has {Name(model.Model, model.Digest)}. Nothing is embedded until it has the same model again, or a space of the new one is made.";

    private static string Name(string model, string digest) => $"{model} ({(digest.Length > 12 ? digest[..12] : digest)})";
}

/// <summary>Check <c>embedding-worker</c>: degraded, never unhealthy, while the model is away or another than the memories'.</summary>
internal sealed class EmbeddingWorkerCheck(EmbeddingWorkerState state) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(state.Trouble is { } trouble ? HealthCheckResult.Degraded(trouble) : HealthCheckResult.Healthy("Memories are embedded as they come"));
}
