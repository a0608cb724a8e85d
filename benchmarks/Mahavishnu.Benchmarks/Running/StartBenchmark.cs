using System.Diagnostics;
using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Benchmarks;

/// <summary>The first search after a restart: the service is killed and started again, and asked as soon as it says that it is ready.</summary>
internal sealed class StartBenchmark : IBenchmark
{
    public string Name => "start";

    public async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkArguments arguments, CancellationToken ct)
    {
        var (database, _) = await BenchmarkDatabaseStore.CreateSyntheticAsync(arguments.Number("rows", 150_000), ct);
        await using var copy = database;
        await using var system = await ServiceDeployment.StartAsync(database.ConnectionString, ct);
        var (ready, first, second) = (new List<double>(), new List<double>(), new List<double>());
        for (var start = 0; start < arguments.Number("starts", 5); start++)
        {
            var clock = Stopwatch.StartNew();
            await system.RestartAsync(Resources.Search);
            await system.UntilReadyAsync(ct, Resources.Search);
            ready.Add(clock.Elapsed.TotalMilliseconds);
            first.Add(await SearchAsync(system, start * 2, ct));
            second.Add(await SearchAsync(system, start * 2 + 1, ct));
        }

        return
        [
            new("starts", ready.Count, "starts"),
            new("until /health/ready, slowest", ready.Max(), "ms"),
            new("first search after it, slowest", first.Max(), "ms", AtMost: 100),
            new("first search after it, median", new Latencies(first, TimeSpan.FromSeconds(1)).Percentile(0.5), "ms"),
            new("second search, slowest", second.Max(), "ms"),
            new("load of the machine then", Machine.Load(), "processes"),
        ];
    }

    private static async Task<double> SearchAsync(ServiceDeployment system, int question, CancellationToken ct)
    {
        using var body = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(new SearchRequest { Query = SyntheticQuestion.Text(question), Limit = SyntheticStore.Neighbours }, WireJson.Strict))
        {
            Headers = { ContentType = new("application/json") },
        };
        var clock = Stopwatch.StartNew();
        using var answer = await system.Http.PostAsync(new Uri($"{Resources.Api}/{Resources.SearchRoute}", UriKind.Relative), body, ct);
        await answer.Content.ReadAsByteArrayAsync(ct);
        return answer.IsSuccessStatusCode ? clock.Elapsed.TotalMilliseconds : throw new InvalidOperationException($"The search was answered with {answer.StatusCode}.");
    }
}
