using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Benchmarks;

/// <summary>A thousand clients at once for a minute, four reads to a write: what is answered and how soon, what is refused and how, what is left behind.</summary>
internal sealed class ConcurrencyBenchmark : IBenchmark
{
    private const int Writes = 5;

    // Calls before the run are others than those in it: what is written twice is written once.
    private const int Warm = 100_000_000;

    // The first and the last stretch of the run, whose memory is compared.
    private const double Stretch = 0.25;
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(30);

    public string Name => "concurrency";

    public async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkArguments arguments, CancellationToken ct)
    {
        var clients = arguments.Number("clients", 1_000);
        var (database, _) = await BenchmarkDatabaseStore.CreateSyntheticAsync(arguments.Number("rows", 150_000), ct);
        await using var copy = database;
        await using var db = StorageModule.OpenDataSource(database.ConnectionString);
        // What is idle is given back soon, so that what is left is lost.
        await using var system = await ServiceDeployment.StartAsync(
            database.ConnectionString, ct, new Dictionary<string, string?>(StringComparer.Ordinal) { ["Database:IdleLifetimeSeconds"] = "5" });
        var connections = new ConnectionCountStore(db);
        var before = await connections.CountAsync(ct);
        var calls = new Calls(system.Http);
        // The questions' vectors are known afterwards.
        for (var call = 0; call < SyntheticQuestion.Count * 2; call++)
        {
            await calls.SendAsync(Warm + call, ct);
        }

        calls.Forget();
        var looks = new List<(int Connections, double Memory)>();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var looking = LookAsync(system, connections, looks, over.Token);
        var times = await Latencies.OfClientsAsync(clients, TimeSpan.FromSeconds(arguments.Number("seconds", 60)), calls.SendAsync, ct);
        await over.CancelAsync();
        await looking;
        var after = await UntilAtRestAsync(connections, before, ct);
        return [.. Figures(clients, times, calls), .. Left(before, after, looks)];
    }

    private static IEnumerable<Figure> Figures(int clients, Latencies times, Calls calls)
    {
        var answered = calls.Statuses.Where(s => s.Key is >= 200 and < 300).Sum(s => s.Value);
        var honest = calls.Statuses.Where(s => s.Key is 429 or 503).Sum(s => s.Value);
        yield return new Figure("clients", clients, "clients");
        yield return new Figure("requests", times.Count, "requests");
        foreach (var (status, count) in calls.Statuses.OrderBy(s => s.Key))
        {
            yield return new Figure(status == 0 ? "not answered" : string.Create(CultureInfo.InvariantCulture, $"answered with {status}"), count, "requests");
        }

        yield return new Figure("answered with 2xx", 100.0 * answered / times.Count, "%", AtLeast: 99);
        yield return new Figure("failed otherwise than by 429 or 503", times.Count - answered - honest, "requests", AtMost: 0);
        yield return new Figure("requests", times.PerSecond, "requests/s", AtLeast: 150);
        yield return new Figure("p50", times.Percentile(0.5), "ms");
        yield return new Figure("p95", times.Percentile(0.95), "ms");
        yield return new Figure("p99", times.Percentile(0.99), "ms", AtMost: 10_000);
        yield return new Figure("slowest", times.Percentile(1), "ms");
        yield return new Figure("load of the machine then", Machine.Load(), "processes");
    }

    private static IEnumerable<Figure> Left(int before, int after, List<(int Connections, double Memory)> looks)
    {
        var stretch = Math.Max(1, (int)(looks.Count * Stretch));
        // What a first minute of work needs in code and buffers comes in its beginning.
        var early = looks.Skip(stretch).Take(stretch).Average(l => l.Memory);
        var late = looks.TakeLast(stretch).Average(l => l.Memory);
        yield return new Figure("connections before", before, "connections");
        yield return new Figure("connections during, most", looks.Max(l => l.Connections), "connections", AtMost: PoolShare.All);
        yield return new Figure("connections after, at rest", after, "connections", AtMost: before);
        yield return new Figure("memory of all processes, second quarter", early, "MB");
        yield return new Figure("memory of all processes, last quarter", late, "MB");
        yield return new Figure("memory, last quarter : second", late / early, "×", AtMost: 1.1);
    }

    private static async Task LookAsync(ServiceDeployment system, ConnectionCountStore connections, List<(int Connections, double Memory)> looks, CancellationToken over)
    {
        try
        {
            while (true)
            {
                looks.Add((await connections.CountAsync(over), system.Processes.Values.Sum(p => p.Memory())));
                await Task.Delay(Look, over);
            }
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // The run is over.
        }
    }

    /// <summary>Waits until the pools are as small as they were; what they never give back is lost.</summary>
    private static async Task<int> UntilAtRestAsync(ConnectionCountStore connections, int before, CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        int now;
        while ((now = await connections.CountAsync(ct)) > before && clock.Elapsed < Rest)
        {
            await Task.Delay(Look, ct);
        }

        return now;
    }

    /// <summary>Sends requests and counts how they were answered.</summary>
    private sealed class Calls(HttpClient http)
    {
        private readonly ConcurrentDictionary<int, int> _statuses = new();
        private readonly string _run = Guid.NewGuid().ToString("N");

        /// <summary>By status; 0: no answer.</summary>
        public IReadOnlyDictionary<int, int> Statuses => _statuses;

        public void Forget() => _statuses.Clear();

        public async Task SendAsync(int number, CancellationToken ct)
        {
            var status = 0;
            try
            {
                var (path, body) = number % Writes == 0 ? Write(number) : Search(number);
                using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
                using var answer = await http.PostAsync(new Uri($"{Resources.Api}/{path}", UriKind.Relative), content, ct);
                await answer.Content.CopyToAsync(Stream.Null, ct);
                status = (int)answer.StatusCode;
            }
            catch (Exception e) when (e is HttpRequestException or IOException || e is TaskCanceledException && !ct.IsCancellationRequested)
            {
                // Nobody answered, or nobody in time.
            }

            _statuses.AddOrUpdate(status, 1, static (_, count) => count + 1);
        }

        private (string Path, byte[] Body) Write(int number) =>
            ("memories", JsonSerializer.SerializeToUtf8Bytes(Remarks.Make(_run, 1, number)[0], WireJson.Strict));

        private static (string Path, byte[] Body) Search(int number) => (Resources.SearchRoute, JsonSerializer.SerializeToUtf8Bytes(
            new SearchRequest { Query = SyntheticQuestion.Text(number % SyntheticQuestion.Count), Limit = SyntheticStore.Neighbours }, WireJson.Strict));
    }
}
