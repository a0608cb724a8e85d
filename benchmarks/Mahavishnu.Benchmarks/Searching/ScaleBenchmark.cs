using System.Globalization;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Benchmarks;

/// <summary>How the figures grow with the store: the same searches over 10,000, 50,000 and 150,000 memories, and 500,000 on request (<c>--rows 500000</c>).</summary>
internal sealed class ScaleBenchmark : IBenchmark
{
    private static readonly int[] Sizes = [10_000, 50_000, 150_000, 500_000];

    public string Name => "scale";

    public async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkArguments arguments, CancellationToken ct)
    {
        var most = arguments.Number("rows", 150_000);
        // Three stores, four searches of each: two rounds are 400 of one client.
        var looks = Thoroughness.Of(arguments, usual: 2);
        var figures = new List<Figure>();
        foreach (var rows in Sizes.Where(s => s <= most))
        {
            figures.AddRange(await MeasureAsync(rows, looks, ct));
        }

        return figures;
    }

    private static async Task<IReadOnlyList<Figure>> MeasureAsync(int rows, Thoroughness looks, CancellationToken ct)
    {
        var (database, made) = await BenchmarkDatabaseStore.CreateSyntheticAsync(rows, ct);
        await using var copy = database;
        await using var db = StorageModule.OpenDataSource(database.ConnectionString);
        await using var bare = await BareSearch.OpenAsync(database.ConnectionString);
        await using var system = await ServiceDeployment.StartAsync(database.ConnectionString, ct);
        var size = string.Create(CultureInfo.InvariantCulture, $"{rows:N0} memories");
        var figures = new List<Figure>();
        if (made is not null)
        {
            figures.Add(new Figure($"{size}: memories copied", rows / made.Memories.TotalSeconds, "memories/s"));
            figures.Add(new Figure($"{size}: vector index built", made.Index.TotalSeconds, "s"));
        }

        foreach (var (name, request) in Searches)
        {
            var load = await SearchLoad.PrepareAsync(bare, system.Http, SearchKind.Memories, looks.Questions, request, ct);
            if (request(0) is { Mode: SearchModes.Vector, Types: null })
            {
                var (recall, _) = await load.CompareAsync(await new SyntheticStore(db).TruthAsync(Scope.All, ct), ct);
                figures.Add(new Figure($"{size}, {name}: recall@20", recall, "share"));
            }

            figures.AddRange(await SearchFigures.MeasureAsync($"{size}, {name}", load, looks, [16], p95: null, many: null, ct));
        }

        return figures;
    }

    private static readonly (string Name, Func<int, SearchRequest> Request)[] Searches =
    [
        ("vector", n => new SearchRequest { Query = SyntheticQuestion.Text(n), Mode = SearchModes.Vector }),
        ("vector, 10 % filter", n => new SearchRequest { Query = SyntheticQuestion.Text(n), Mode = SearchModes.Vector, Types = [SyntheticMemory.TenPercent] }),
        ("hybrid, a common word", n => new SearchRequest { Query = SyntheticQuestion.Text(WordClass.Common, n) }),
        ("hybrid, eight words", n => new SearchRequest { Query = SyntheticQuestion.Text(n) }),
    ];
}
