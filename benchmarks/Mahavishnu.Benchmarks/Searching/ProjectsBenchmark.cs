using System.Globalization;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Benchmarks;

/// <summary>Search across projects, bare and through the gateway, beside the same questions asked within one project.</summary>
internal sealed class ProjectsBenchmark : IBenchmark
{
    private const int Projects = 50;

    // Ours, for one client. What many may expect is not promised.
    private const double One = 100;

    public string Name => "projects";

    public async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkArguments arguments, CancellationToken ct)
    {
        var (database, _) = await BenchmarkDatabaseStore.CreateSyntheticAsync(arguments.Number("rows", 150_000), ct, Projects);
        await using var copy = database;
        await using (var db = StorageModule.OpenDataSource(database.ConnectionString))
        {
            await new ProjectGraphStore(db).FillAsync(Projects, ct);
        }

        await using var bare = await BareSearch.OpenAsync(database.ConnectionString);
        await using var system = await ServiceDeployment.StartAsync(database.ConnectionString, ct);
        var looks = Thoroughness.Of(arguments);
        var figures = new List<Figure>();
        await MeasureAsync("one project", SearchKind.Memories, Question);
        foreach (var hops in (int[])[1, 2, 3])
        {
            await MeasureAsync(string.Create(CultureInfo.InvariantCulture, $"across projects, {hops} hops"), SearchKind.Projects, n => new ProjectSearchRequest(Question(n)) { Hops = hops });
        }

        var alone = P50("one project");
        return
        [
            .. figures,
            .. ((int[])[1, 2, 3]).Select(hops => new Figure(
                string.Create(CultureInfo.InvariantCulture, $"across projects, {hops} hops : one project, gateway p50"),
                P50(string.Create(CultureInfo.InvariantCulture, $"across projects, {hops} hops")) / alone, "×")),
        ];

        async Task MeasureAsync(string name, SearchKind kind, Func<int, SearchRequest> request)
        {
            var load = await SearchLoad.PrepareAsync(bare, system.Http, kind, looks.Questions, request, ct);
            figures.AddRange(await SearchFigures.MeasureAsync(name, load, looks, [1, 16], p95: One, many: null, ct));
        }

        double P50(string name) => figures.Single(f => f.Name == $"{name}: gateway p50").Value;
    }

    private static SearchRequest Question(int number) => new() { Query = SyntheticQuestion.Text(number), ProjectId = SyntheticMemory.ProjectName(number, Projects) };
}
