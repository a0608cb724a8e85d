using System.Globalization;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Benchmarks;

/// <summary>One way to answer questions.</summary>
/// <param name="Mode">Null: BM25.</param>
/// <param name="Neighbours">Whether turns and chunks beside each other lend a share of their score.</param>
internal sealed record EvalMethod(string Name, string? Mode, bool Neighbours = false)
{
    public static readonly EvalMethod Bm25 = new("BM25", null);
    public static readonly EvalMethod Text = new("text", SearchModes.Text);
    public static readonly EvalMethod Vector = new("vector", SearchModes.Vector);
    public static readonly EvalMethod Hybrid = new("hybrid", SearchModes.Hybrid);
    public static readonly EvalMethod HybridWithNeighbours = new("hybrid, neighbours", SearchModes.Hybrid, Neighbours: true);

    public static IReadOnlyList<EvalMethod> All { get; } = [Bm25, Text, Vector, Hybrid, HybridWithNeighbours];
}

/// <summary>What every method made of every question.</summary>
internal sealed record EvalResult(EvalSet Set, IReadOnlyDictionary<EvalMethod, IReadOnlyList<EvalScore>> Scores)
{
    public IReadOnlyList<string> Categories => [.. Set.Questions.Select(q => q.Category).Distinct(StringComparer.Ordinal)];

    /// <param name="category">Null: all questions.</param>
    public EvalScore Mean(EvalMethod method, string? category = null) =>
        EvalScore.Mean([.. Scores[method].Index().Where(s => category is null || Set.Questions[s.Index].Category == category).Select(s => s.Item)]);
}

/// <summary>Stores a set through the front door, embeds it with the built-in model, and asks its questions of every method.</summary>
internal static class EvalRun
{
    // No index: what is measured is the ranking.
    private static readonly Dictionary<string, string?> Settings = new(StringComparer.Ordinal)
    {
        ["VectorIndex:FromRows"] = "2000000000",
        ["Search:SampledQueries"] = "0",
        ["Database:MinPoolSize"] = "0",
        ["Database:MaxPoolSize"] = "10",
    };

    /// <param name="connectionString">An empty, migrated database.</param>
    public static async Task<EvalResult> MeasureAsync(EvalSet set, string connectionString, CancellationToken ct)
    {
        await using (var server = await BenchmarkServer.StartAsync(connectionString, Path.GetTempPath(), Settings, ct))
        {
            await StoreAsync(set, server, ct);
        }

        await using var db = StorageModule.OpenDataSource(connectionString);
        var words = new WordCountStore(db);
        await words.AnalyzeAsync(ct);
        var scores = new Dictionary<EvalMethod, IReadOnlyList<EvalScore>> { [EvalMethod.Bm25] = await AskBm25Async(set, words, ct) };
        foreach (var methods in EvalMethod.All.Where(m => m.Mode is not null).GroupBy(m => m.Neighbours))
        {
            var settings = methods.Key ? Settings : new Dictionary<string, string?>(Settings, StringComparer.Ordinal) { ["Search:NeighbourShare"] = "0", ["Search:FileNeighbourShare"] = "0" };
            await using var server = await BenchmarkServer.StartAsync(connectionString, Path.GetTempPath(), settings, ct);
            foreach (var method in methods)
            {
                scores[method] = await AskAsync(set, method, new SearchClient(server.Http), ct);
            }
        }

        return new EvalResult(set, scores);
    }

    private static async Task StoreAsync(EvalSet set, BenchmarkServer server, CancellationToken ct)
    {
        var client = new MemoriesClient(server.Http);
        foreach (var batch in set.Documents.Chunk(1_000))
        {
            var answer = await client.AddBatchAsync(batch, ct: ct);
            if (answer.Counts.Created != batch.Length)
            {
                throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"Of {batch.Length} documents of {set.Name}, {answer.Counts.Created} were new."));
            }
        }

        await server.UntilEmbeddedAsync(ct);
    }

    private static async Task<IReadOnlyList<EvalScore>> AskBm25Async(EvalSet set, WordCountStore words, CancellationToken ct)
    {
        var index = new Bm25(await words.CountAsync([.. set.Documents.Select(d => d.Content!)], ct));
        var questions = await words.CountAsync([.. set.Questions.Select(q => q.Text)], ct);
        return [.. set.Questions.Zip(questions, (question, asked) => EvalScore.Of(question, index.Rank(asked.Keys, EvalScore.Depth)))];
    }

    private static async Task<IReadOnlyList<EvalScore>> AskAsync(EvalSet set, EvalMethod method, SearchClient client, CancellationToken ct)
    {
        var places = set.Documents.Index().ToDictionary(d => Guid.Parse(d.Item.Id!), d => d.Index);
        var scores = new EvalScore[set.Questions.Count];
        await Parallel.ForAsync(0, scores.Length, new ParallelOptions { MaxDegreeOfParallelism = 2, CancellationToken = ct }, async (i, token) =>
        {
            var question = set.Questions[i];
            var answer = await client.SearchAsync(new SearchRequest { Query = question.Text, Mode = method.Mode, Limit = EvalScore.Depth }, token);
            if (answer.Degraded.Count > 0)
            {
                throw new InvalidOperationException($"“{question.Text}” was answered without {string.Join(", ", answer.Degraded)}.");
            }

            scores[i] = EvalScore.Of(question, [.. answer.Hits.Select(h => places[h.Id])]);
        });
        return scores;
    }
}
