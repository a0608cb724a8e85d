using System.Diagnostics;
using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.Benchmarks;

/// <summary>
/// The queue against a model whose limit is known: so many calls at a time, so long for each. Then a second model fills its space while searches run.
/// With <c>--rows</c> instead: what it costs that so many memories wait.
/// </summary>
internal sealed class EmbedBenchmark : IBenchmark
{
    private const int Warm = 512;

    public string Name => "embed";

    public async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkArguments arguments, CancellationToken ct)
    {
        var calls = arguments.Number("calls", 4);
        if (arguments.Number("rows", 0) is > 0 and var rows)
        {
            return await WaitingRows.MeasureAsync(rows, calls, TimeSpan.FromSeconds(arguments.Number("seconds", 30)), ct);
        }

        return
        [
            .. await ThroughputAsync(arguments.Number("memories", 10_240), calls, TimeSpan.FromMilliseconds(arguments.Number("delay", 500)), ct),
            .. await SwitchingModels.MeasureAsync(arguments.Number("stored", 20_000), calls, ct),
        ];
    }

    private static async Task<IReadOnlyList<Figure>> ThroughputAsync(int count, int calls, TimeSpan delay, CancellationToken ct)
    {
        await using var database = await BenchmarkDatabaseStore.CreateAsync(ct);
        await using var model = await OllamaServer.StartNewAsync();
        model.Behaviour.Parallel = calls;
        await using var server = await BenchmarkServer.StartAsync(database.ConnectionString, Path.GetTempPath(), StandIn.Settings(model, calls), ct);
        // Connections, code and the space are there before the clock runs.
        await StandIn.WriteAsync(server, "warm", Warm, ct);
        await server.UntilEmbeddedAsync(ct);

        model.Behaviour.Delay = delay;
        model.Behaviour.Hold();
        var clock = Stopwatch.StartNew();
        await StandIn.WriteAsync(server, "run", count, ct);
        var accepted = clock.Elapsed;
        // The most there ever will be: the queue is long, and no call ends.
        await BenchmarkServer.WaitAsync(() => Task.FromResult(model.Record.Now >= calls), ct);
        model.Behaviour.Release();
        clock.Restart();
        await server.UntilEmbeddedAsync(ct);
        var embedded = clock.Elapsed;

        var limit = calls * StandIn.TextsPerCall / delay.TotalSeconds;
        return
        [
            new("accepted while the model is held up", count / accepted.TotalSeconds, "memories/s"),
            new("the model's own limit", limit, "memories/s"),
            new("embedded", count / embedded.TotalSeconds, "memories/s"),
            new("embedded : the model's own limit", count / embedded.TotalSeconds / limit, "×", AtLeast: 0.9),
            new("calls at a time allowed", calls, "calls"),
            new("calls at a time seen, most", model.Record.Most, "calls", AtLeast: calls, AtMost: calls),
            new("texts sent twice", model.Record.Texts.Count - model.Record.Texts.Distinct(StringComparer.Ordinal).Count(), "texts", AtMost: 0),
        ];
    }
}
