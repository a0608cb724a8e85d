using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.Options;
using Npgsql;
using Pgvector;

namespace Mahavishnu.Search;

/// <summary>The way of a question: its vector, one round trip to the database, again exactly where the index came back short.</summary>
internal sealed class Searcher(
    SearchStore store, ActiveSpace active, QuestionEmbedder embedder, LexemeStatistics lexemes, SearchTelemetry telemetry, IOptions<SearchOptions> options)
{
    // A group takes one hit of many candidates.
    private const int CandidatesPerGroup = 4;

    // What an exact search compares anyway costs little more to look at; groups that are still not filled have no more to give.
    private const int ExactCandidates = 5_000;

    /// <returns>Null: the memory to find more like does not exist.</returns>
    public async Task<SearchResponse?> SearchAsync(Question question, bool unified, CancellationToken ct)
    {
        using var measurement = telemetry.Start(question.Mode, unified);
        // Reads are safe to repeat; a space that was replaced meanwhile takes its table with it.
        var answer = await TransientRetry.RunAsync(token => AnswerAsync(question, measurement, token), ct);
        if (answer is null)
        {
            measurement.NotFound();
            return null;
        }

        measurement.Found(answer.Hits.Count, answer.Degraded);
        return answer;
    }

    private async Task<SearchResponse?> AnswerAsync(Question question, SearchTelemetry.Measurement measurement, CancellationToken ct)
    {
        try
        {
            return await TryAsync(question, measurement, ct);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            active.Forget();
            return await TryAsync(question, measurement, ct);
        }
    }

    private async Task<SearchResponse?> TryAsync(Question question, SearchTelemetry.Measurement measurement, CancellationToken ct)
    {
        var degraded = new List<string>();
        var space = await active.GetAsync(ct);
        HalfVector? vector = null;
        if (question.Like is { } id)
        {
            if (await store.FindAsync(id, question.Mode == SearchMode.Text ? null : space, ct) is not { } like)
            {
                return null;
            }

            vector = like.Vector;
            if (question.Mode != SearchMode.Text && vector is null)
            {
                degraded.Add(space is null ? ErrorCodes.Degraded.EmbeddingUnavailable : ErrorCodes.Degraded.EmbeddingPending);
            }
        }
        else if (question.Mode != SearchMode.Text)
        {
            var asked = space is null ? new QuestionVector(null, Missing: true) : await embedder.EmbedAsync(question.Text!, space, ct);
            vector = asked.Vector;
            if (asked.Missing)
            {
                degraded.Add(ErrorCodes.Degraded.EmbeddingUnavailable);
            }
        }

        if (question.Mode != SearchMode.Text && space is { IndexState: "building" })
        {
            degraded.Add(ErrorCodes.Degraded.IndexBuilding);
        }

        var words = question.Mode != SearchMode.Vector;
        var hits = words || vector is not null ? await FindAsync(new SearchPlan(
            question, space, vector, words, words ? await lexemes.GetAsync(ct) : LexemeFrequencies.Unknown, Tuning(question, space)), measurement, ct) : [];
        return new SearchResponse(hits, JsonNamingPolicy.CamelCase.ConvertName(question.Mode.ToString()), space?.Model, degraded, measurement.Elapsed.TotalMilliseconds);
    }

    private async Task<IReadOnlyList<SearchHit>> FindAsync(SearchPlan plan, SearchTelemetry.Measurement measurement, CancellationToken ct)
    {
        var found = await store.SearchAsync(plan, ct);
        if (found.Hits.Count >= plan.Question.Limit || !found.More)
        {
            return found.Hits;
        }

        // Whoever asks for ten and could have ten gets ten: this time without the bounds that made it quick.
        measurement.RanExactly();
        var exact = plan with { Exact = true, Tuning = plan.Tuning with { Candidates = ExactCandidates, RankedMatches = ExactCandidates } };
        return (await store.SearchAsync(exact, ct)).Hits;
    }

    private SearchTuning Tuning(Question question, EmbeddingSpace? space)
    {
        var o = options.Value;
        var candidates = Math.Max(o.Candidates, question.Limit * (question.GroupBy == Grouping.None ? 3 : 3 * CandidatesPerGroup));
        return new SearchTuning(
            candidates,
            Math.Max(o.RankedMatches, candidates),
            o.ScannedMatches,
            o.EfSearch,
            o.Fusion,
            o.RankConstant,
            // Measured on conversations and on code: a hashed model helps the words, a trained one stands beside them.
            o.VectorWeight ?? (space?.Model.StartsWith("builtin-hash", StringComparison.Ordinal) == true ? 0.3 : 0.5),
            o.NeighbourShare);
    }
}
