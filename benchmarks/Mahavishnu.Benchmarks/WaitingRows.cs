using System.Diagnostics;
using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.Benchmarks;

/// <summary>A very long queue: what it costs in memory, and whether the head of it is still worked on at the same speed.</summary>
internal static class WaitingRows
{
    private static readonly TimeSpan ModelCall = TimeSpan.FromMilliseconds(20);

    /// <param name="duration">How long the queue is worked on.</param>
    public static async Task<IReadOnlyList<Figure>> MeasureAsync(int rows, int calls, TimeSpan duration, CancellationToken ct)
    {
        await using var database = await BenchmarkDatabaseStore.CreateAsync(ct);
        await using var model = await OllamaServer.StartNewAsync();
        model.Behaviour.Parallel = calls;
        model.Behaviour.Delay = ModelCall;
        await using var server = await BenchmarkServer.StartAsync(database.ConnectionString, Path.GetTempPath(), StandIn.Settings(model, calls), ct);
        // The space comes with the first memory.
        await StandIn.WriteAsync(server, "first", 1, ct);
        await server.UntilEmbeddedAsync(ct);
        model.Behaviour.Hold();
        await database.QueueMemoriesAsync(rows, ct);
        Machine.ForgetPeakMemory();

        model.Behaviour.Release();
        var admin = new AdminClient(server.Http);
        var clock = Stopwatch.StartNew();
        var asked = new List<double>();
        EmbeddingStatus status;
        do
        {
            var since = clock.Elapsed;
            status = await admin.EmbeddingsAsync(ct);
            asked.Add((clock.Elapsed - since).TotalMilliseconds);
            await Task.Delay(TimeSpan.FromMilliseconds(500), ct);
        }
        while (clock.Elapsed < duration && status.Queue.Pending > 0);

        return
        [
            new("memories waiting at the start", rows, "memories"),
            new("embedded meanwhile", model.Record.Texts.Count / clock.Elapsed.TotalSeconds, "memories/s"),
            new("process memory, peak", Machine.PeakMemory(), "MB", AtMost: 600),
            new("calls at a time seen, most", model.Record.Most, "calls", AtMost: calls),
            new("state of the queue asked for, slowest", asked.Max(), "ms"),
        ];
    }
}
