using Mahavishnu.Contracts;

namespace Mahavishnu.Benchmarks;

/// <summary>Unified search, over everything and within a project, bare and through the gateway.</summary>
internal sealed class UnifiedBenchmark : IBenchmark
{
    // The plan's bound for many clients; one client's is ours.
    private const double Plan = 200;
    private const double One = 100;

    public string Name => "unified";

    public async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkArguments arguments, CancellationToken ct)
    {
        var (database, _) = await BenchmarkDatabaseStore.CreateSyntheticAsync(arguments.Number("rows", 150_000), ct);
        await using var copy = database;
        await using var bare = await BareSearch.OpenAsync(database.ConnectionString);
        await using var system = await ServiceDeployment.StartAsync(database.ConnectionString, ct);
        var looks = Thoroughness.Of(arguments);
        var figures = new List<Figure>();
        (string Name, Func<int, SearchRequest> Request)[] searches =
        [
            ("a rare word", n => new SearchRequest { Query = SyntheticQuestion.Text(WordClass.Rare, n) }),
            ("a common word", n => new SearchRequest { Query = SyntheticQuestion.Text(WordClass.Common, n) }),
            ("eight words", n => new SearchRequest { Query = SyntheticQuestion.Text(n) }),
            ("eight words in a project", n => new SearchRequest { Query = SyntheticQuestion.Text(n), ProjectId = SyntheticMemory.ProjectName(n) }),
        ];
        foreach (var (name, request) in searches)
        {
            var load = await SearchLoad.PrepareAsync(bare, system.Http, SearchKind.Unified, looks.Questions, request, ct);
            figures.AddRange(await SearchFigures.MeasureAsync($"unified, {name}", load, looks, SearchFigures.Throughput, p95: One, many: Plan, ct));
        }

        return figures;
    }
}
