using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Benchmarks;

/// <summary>Vector search for each kind of index and each width of filter, then hybrid search for words of each rarity: recall, latency and throughput, bare and through the gateway.</summary>
internal sealed class SearchBenchmark : IBenchmark
{
    // Milliseconds for 20 results, whoever asks.
    private const double Plan = 100;

    public string Name => "search";

    public async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkArguments arguments, CancellationToken ct)
    {
        var looks = Thoroughness.Of(arguments);
        var (database, _) = await BenchmarkDatabaseStore.CreateSyntheticAsync(arguments.Number("rows", 150_000), ct);
        await using var copy = database;
        await using var db = StorageModule.OpenDataSource(database.ConnectionString);
        await using var bare = await BareSearch.OpenAsync(database.ConnectionString);
        await using var system = await ServiceDeployment.StartAsync(database.ConnectionString, ct);
        var store = new SyntheticStore(db);
        var figures = new List<Figure>();
        foreach (var kind in IndexKind.All.Take(arguments.Number("kinds", IndexKind.All.Count)))
        {
            await Progress.SayAsync($"index: {kind.Name}");
            var seconds = await kind.PrepareAsync(db, ct);
            if (seconds > 0)
            {
                figures.Add(new Figure($"{kind.Name}: built", seconds, "s"));
            }

            foreach (var scope in Enum.GetValues<Scope>())
            {
                var load = await SearchLoad.PrepareAsync(bare, system.Http, SearchKind.Memories, looks.Questions, n => Vector(scope, n), ct);
                figures.AddRange(await VectorAsync(kind, scope, load, await store.TruthAsync(scope, ct), looks, ct));
            }

            if (kind == IndexKind.Default)
            {
                figures.AddRange(await HybridAsync(bare, system, looks, ct));
            }
        }

        return figures;
    }

    private static SearchRequest Vector(Scope scope, int number) => new()
    {
        Query = SyntheticQuestion.Text(number),
        Mode = SearchModes.Vector,
        Types = scope.Type() is { } type ? [type] : null,
        RepoId = scope.Repo(number),
    };

    private static async Task<IReadOnlyList<Figure>> VectorAsync(
        IndexKind kind, Scope scope, SearchLoad load, IReadOnlyList<IReadOnlyList<Guid>> truth, Thoroughness looks, CancellationToken ct)
    {
        var name = $"{kind.Name}, {scope.Words()}";
        var usual = kind == IndexKind.Default;
        var (recall, missing) = await load.CompareAsync(truth, ct);
        return
        [
            new($"{name}: recall@20", recall, "share", AtLeast: kind.Recall(scope)),
            new($"{name}: rows that exist and did not come", missing, "rows", AtMost: 0),
            // Comparing every vector takes its time: once is enough to see how long.
            .. await SearchFigures.MeasureAsync(
                name, load, kind == IndexKind.Exact ? looks with { Rounds = 1 } : looks, scope == Scope.All && usual ? SearchFigures.Throughput : kind == IndexKind.Exact ? [] : [16],
                p95: !usual ? null : scope switch { Scope.All => 20, Scope.OnePerMille => 15, _ => null }, many: usual ? Plan : null, ct),
        ];
    }

    private static async Task<IReadOnlyList<Figure>> HybridAsync(BareSearch bare, ServiceDeployment system, Thoroughness looks, CancellationToken ct)
    {
        var figures = new List<Figure>();
        (string Name, Func<int, string> Text, double P95)[] questions =
        [
            ("a rare word", n => SyntheticQuestion.Text(WordClass.Rare, n), 60),
            ("a mid word", n => SyntheticQuestion.Text(WordClass.Mid, n), 60),
            ("a common word", n => SyntheticQuestion.Text(WordClass.Common, n), 60),
            ("eight words as they come", SyntheticQuestion.Text, Plan),
        ];
        foreach (var (name, text, p95) in questions)
        {
            var load = await SearchLoad.PrepareAsync(bare, system.Http, SearchKind.Memories, looks.Questions, n => new SearchRequest { Query = text(n) }, ct);
            figures.AddRange(await SearchFigures.MeasureAsync($"hybrid, {name}", load, looks, [16], p95, many: Plan, ct));
        }

        return figures;
    }
}
