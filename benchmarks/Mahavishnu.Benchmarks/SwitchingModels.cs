using System.Collections.Concurrent;
using System.Diagnostics;
using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.Benchmarks;

/// <summary>A second model's space is filled from the stored texts while searches go on in the first one's: how fast, and what searches feel of it.</summary>
internal static class SwitchingModels
{
    private const int Clients = 2;

    // VectorIndex:FromRows: below, no index is ever built.
    private const int IndexFrom = 5_000;
    private static readonly TimeSpan ModelCall = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Before = TimeSpan.FromSeconds(10);

    public static async Task<IReadOnlyList<Figure>> MeasureAsync(int stored, int calls, CancellationToken ct)
    {
        await using var database = await BenchmarkDatabaseStore.CreateAsync(ct);
        await using var model = await OllamaServer.StartNewAsync();
        // Room for questions beside the documents: what waits at the model is not ours to measure.
        model.Behaviour.Parallel = calls + Clients;
        model.Behaviour.Delay = ModelCall;
        await using var server = await BenchmarkServer.StartAsync(database.ConnectionString, Path.GetTempPath(), StandIn.Settings(model, calls), ct);
        await StandIn.WriteAsync(server, "stored", stored, ct);
        await (stored < IndexFrom ? server.UntilEmbeddedAsync(ct) : server.UntilSearchableAsync(Stopwatch.StartNew(), stored, ct));

        using var questions = new Questions();
        await SearchAsync(server, questions, TimeSpan.FromSeconds(2), Task.Delay(Timeout.Infinite, ct), ct);
        var before = await SearchAsync(server, questions, Before, Task.Delay(Timeout.Infinite, ct), ct);
        var clock = Stopwatch.StartNew();
        var filled = FillAsync(server, ct);
        var during = await SearchAsync(server, questions, Timeout.InfiniteTimeSpan, filled, ct);
        var operation = await filled;
        var seconds = clock.Elapsed.TotalSeconds;
        if (operation.State != OperationStates.Completed)
        {
            throw new InvalidOperationException($"The second space ended as {operation.State}: {operation.Error?.Message}");
        }

        return
        [
            new("second model, 20 ms a call: embedded while searches run", stored / seconds, "memories/s"),
            new("search before, p50", Percentile(before, 0.5), "ms"),
            new("search before, p95", Percentile(before, 0.95), "ms"),
            new("search while a second space is filled, p50", Percentile(during, 0.5), "ms"),
            new("search while a second space is filled, p95", Percentile(during, 0.95), "ms"),
            new("searches meanwhile", during.Count, "searches"),
        ];
    }

    private static async Task<Operation> FillAsync(BenchmarkServer server, CancellationToken ct)
    {
        var operation = await new AdminClient(server.Http).AddSpaceAsync(new AddEmbeddingSpaceRequest { Model = StandInModel.AllMiniLm.Name }, ct);
        await foreach (var state in new OperationsClient(server.Http).WatchAsync(operation.Id, ct))
        {
            operation = state;
        }

        return operation;
    }

    /// <summary>Milliseconds of each search until the time is over, or <paramref name="end"/> has come.</summary>
    private static async Task<IReadOnlyCollection<double>> SearchAsync(BenchmarkServer server, Questions questions, TimeSpan duration, Task end, CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        if (duration != Timeout.InfiniteTimeSpan)
        {
            over.CancelAfter(duration);
        }

        var times = new ConcurrentBag<double>();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async _ =>
        {
            var client = new SearchClient(server.Http);
            while (!over.IsCancellationRequested && !end.IsCompleted)
            {
                var clock = Stopwatch.StartNew();
                var answer = await client.SearchAsync(new SearchRequest { Query = questions.Next(), Limit = 20 }, ct);
                times.Add(clock.Elapsed.TotalMilliseconds);
                if (answer.Hits.Count == 0 || answer.Degraded.Contains(ErrorCodes.Degraded.EmbeddingUnavailable, StringComparer.Ordinal))
                {
                    throw new InvalidOperationException($"A search found {answer.Hits.Count} hits, degraded by [{string.Join(", ", answer.Degraded)}].");
                }
            }
        }));
        ct.ThrowIfCancellationRequested();
        return times;
    }

    private static double Percentile(IReadOnlyCollection<double> times, double share)
    {
        var sorted = times.Order().ToList();
        return sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * share))];
    }

    /// <summary>Every one another, so that none is answered from a cache.</summary>
    private sealed class Questions : IDisposable
    {
        private readonly Lock _lock = new();
        private readonly IEnumerator<string> _questions = Remarks.Questions().GetEnumerator();

        public string Next()
        {
            lock (_lock)
            {
                _questions.MoveNext();
                return _questions.Current;
            }
        }

        public void Dispose() => _questions.Dispose();
    }
}
