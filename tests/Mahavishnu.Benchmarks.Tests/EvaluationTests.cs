using System.Globalization;
using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Benchmarks.Tests;

/// <summary>What searches find must not become worse unseen: the evaluations' small version, against what they found before. Whoever makes searches better raises the figures.</summary>
public sealed class EvaluationTests(PostgresFixture postgres)
{
    // Two questions of two hundred: PostgreSQL's statistics, by which words are weighed, differ a little from version to version.
    private const double Tolerance = 0.01;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Talk_is_found_no_worse_than_before()
    {
        var set = TalkSet.Read();
        Assert.True(set.Questions.Count >= 200, $"There are {set.Questions.Count} questions.");

        var result = await MeasureAsync(set);

        CheckFloors(result,
            (EvalMethod.Text, 0.526, 0.364),
            (EvalMethod.Vector, 0.489, 0.300),
            (EvalMethod.Hybrid, 0.526, 0.362),
            (EvalMethod.HybridWithNeighbours, 0.570, 0.392));
        // What is promised of talk, whatever was found before.
        Assert.True(result.Mean(EvalMethod.Hybrid).At10 >= Math.Max(result.Mean(EvalMethod.Text).At10, result.Mean(EvalMethod.Vector).At10) - 0.005 - Tolerance, Shown(result));
        Assert.True(result.Mean(EvalMethod.Text).At10 >= result.Mean(EvalMethod.Bm25).At10 - 0.03 - Tolerance, Shown(result));
    }

    [Fact]
    public async Task Code_is_found_no_worse_than_before()
    {
        var functions = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "functions.jsonl")).Select(line => JsonSerializer.Deserialize<SourceFunction>(line, WireJson.Lenient)!);

        var result = await MeasureAsync(SourceFunction.Set("functions", functions, documents: int.MaxValue, questions: int.MaxValue));

        CheckFloors(result,
            (EvalMethod.Text, 0.567, 0.347),
            (EvalMethod.Vector, 0.560, 0.306),
            (EvalMethod.Hybrid, 0.610, 0.379),
            (EvalMethod.HybridWithNeighbours, 0.620, 0.375));
        Assert.True(result.Mean(EvalMethod.Hybrid).At10 >= Math.Max(result.Mean(EvalMethod.Text).At10, result.Mean(EvalMethod.Vector).At10), Shown(result));
    }

    private async Task<EvalResult> MeasureAsync(EvalSet set)
    {
        await using var database = await postgres.CreateDatabaseAsync();
        return await EvalRun.MeasureAsync(set, database.ConnectionString, Ct);
    }

    private static void CheckFloors(EvalResult result, params (EvalMethod Method, double At10, double Mrr)[] floors)
    {
        Assert.All(floors, floor =>
        {
            var score = result.Mean(floor.Method);
            Assert.True(score.At10 >= floor.At10 - Tolerance && score.Mrr >= floor.Mrr - Tolerance, $"{floor.Method.Name} was recall@10 {floor.At10}, MRR@10 {floor.Mrr}.\n{Shown(result)}");
        });
    }

    private static string Shown(EvalResult result) => string.Join('\n', EvalMethod.All.Select(m => (m.Name, Score: result.Mean(m)))
        .Select(m => string.Create(CultureInfo.InvariantCulture, $"{m.Name}: recall@10 {m.Score.At10:0.0000}, MRR@10 {m.Score.Mrr:0.0000}")));
}
