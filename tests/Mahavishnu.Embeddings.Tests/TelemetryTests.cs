using System.Diagnostics;
using System.Diagnostics.Metrics;
using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.Embeddings.Tests;

/// <summary>What docs/telemetry.md promises of a model's calls.</summary>
public sealed class TelemetryTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Calls_are_spans_and_repetitions_and_known_questions_are_counted()
    {
        const string Model = "telemetry-test-model";
        var (spans, counted, failed) = (new List<string>(), new Dictionary<string, long>(StringComparer.Ordinal), new List<string?>());
        using var traces = new ActivityListener
        {
            ShouldListenTo = source => source.Name == EmbeddingTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                lock (spans)
                {
                    // Other tests are at work in this process.
                    if (span.DisplayName == $"embeddings {Model}")
                    {
                        spans.Add(span.DisplayName);
                        failed.Add(span.GetTagItem("error.type") as string);
                    }
                }
            },
        };
        ActivitySource.AddActivityListener(traces);
        var server = await OllamaServer.StartNewAsync(new StandInModel(Model, 16));
        await using var world = await OllamaWorld.StartAsync(server, null);
        using var meters = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == EmbeddingTelemetry.Name && instrument.Meter.Scope == world.Meters)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            lock (counted)
            {
                var key = tags.Length == 0 ? instrument.Name : $"{instrument.Name} {tags[0].Value}";
                counted[key] = counted.GetValueOrDefault(key) + value;
            }
        });
        meters.Start();
        var client = await world.OpenAsync(Model);

        server.Behaviour.Answer(StandInAnswer.Busy, times: 2);
        await client.Documents.GenerateAsync(["one"], cancellationToken: Ct);
        await client.Questions.GenerateAsync(["one", "two"], cancellationToken: Ct);
        server.Behaviour.Answer(StandInAnswer.ServerError, times: 1);
        await Assert.ThrowsAsync<EmbeddingModelException>(() => client.Documents.GenerateAsync(["one"], cancellationToken: Ct));

        Assert.Equal(3, spans.Count);
        Assert.Equal([null, null, typeof(EmbeddingModelException).FullName], failed);
        Assert.Equal(2, counted["mahavishnu.embedding.retries"]);
    }
}
