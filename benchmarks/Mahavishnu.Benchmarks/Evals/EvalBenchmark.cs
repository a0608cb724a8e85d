namespace Mahavishnu.Benchmarks;

/// <summary>How well searches find what they should: code by what it is for, talk by what was said; every method beside plain BM25.</summary>
internal sealed class EvalBenchmark : IBenchmark
{
    // Points of a hundred.
    private const double HybridMayLag = 0.5;
    private const double TextMayLag = 3;

    public string Name => "evals";

    public async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkArguments arguments, CancellationToken ct)
    {
        var most = arguments.Number("questions", 1_500);
        EvalSet?[] sets = [CSharpSet.Make(most), PythonSet.Make(most), TalkSet.Read()];
        var figures = new List<Figure>();
        foreach (var set in sets.OfType<EvalSet>().Where(s => s.Questions.Count > 0))
        {
            await using var database = await BenchmarkDatabaseStore.CreateAsync(ct);
            figures.AddRange(Figures(await EvalRun.MeasureAsync(set, database.ConnectionString, ct)));
        }

        return figures;
    }

    private static IEnumerable<Figure> Figures(EvalResult result)
    {
        var talk = result.Set.Name == TalkSet.Name;
        yield return new Figure($"{result.Set.Name}: documents", result.Set.Documents.Count, "texts");
        yield return new Figure($"{result.Set.Name}: questions", result.Set.Questions.Count, "questions", AtLeast: talk ? 200 : 1_000);
        IReadOnlyList<string?> categories = result.Categories.Count > 1 ? [null, .. result.Categories] : [null];
        foreach (var category in categories)
        {
            foreach (var method in EvalMethod.All)
            {
                var score = result.Mean(method, category);
                var name = $"{result.Set.Name}{(category is null ? "" : $" ({category})")}, {method.Name}";
                if (category is null)
                {
                    yield return new Figure($"{name}: recall@5", score.At5 * 100, "%");
                    yield return new Figure($"{name}: recall@20", score.At20 * 100, "%");
                }

                yield return new Figure($"{name}: recall@10", score.At10 * 100, "%");
                yield return new Figure($"{name}: MRR@10", score.Mrr * 100, "%");
            }
        }

        var (text, vector, hybrid, bm25) = (result.Mean(EvalMethod.Text), result.Mean(EvalMethod.Vector), result.Mean(EvalMethod.Hybrid), result.Mean(EvalMethod.Bm25));
        foreach (var (name, of) in new (string, Func<EvalScore, double>)[] { ("recall@10", s => s.At10), ("MRR@10", s => s.Mrr) })
        {
            var better = Math.Max(of(text), of(vector));
            yield return new Figure($"{result.Set.Name}: hybrid over the better arm, {name}", (of(hybrid) - better) * 100, "points", AtLeast: talk ? -HybridMayLag : 0);
            yield return new Figure($"{result.Set.Name}: text over BM25, {name}", (of(text) - of(bm25)) * 100, "points", AtLeast: -TextMayLag);
        }
    }
}
