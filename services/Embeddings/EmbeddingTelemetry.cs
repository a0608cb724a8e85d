using System.Diagnostics.Metrics;

namespace Mahavishnu.Embeddings;

/// <summary>What the calls of models say about themselves beside the client's own <c>gen_ai</c> names. Names are public contract: see docs/telemetry.md.</summary>
internal sealed class EmbeddingTelemetry(IMeterFactory meters)
{
    /// <summary>Source of spans and meter of the models' calls.</summary>
    public const string Name = "Mahavishnu.Embeddings";

    private readonly Counter<long> _retries = meters.Create(Name).CreateCounter<long>(
        "mahavishnu.embedding.retries", unit: "{call}", description: "Calls of the model made again because it did not answer or was too busy.");

    private readonly Counter<long> _opened = meters.Create(Name).CreateCounter<long>(
        "mahavishnu.embedding.circuit_opened", unit: "{time}", description: "Times that the model's server was left alone after it had not answered again and again.");

    public void Repeated() => _retries.Add(1);

    public void CircuitOpened() => _opened.Add(1);
}
