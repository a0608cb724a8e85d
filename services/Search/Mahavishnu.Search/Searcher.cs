using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.Options;
using Npgsql;
using Pgvector;

namespace Mahavishnu.Search;

/// <summary>An answer and the one space that all of it was compared in.</summary>
/// <param name="Space">Null where there was none.</param>
internal sealed record SpaceAnswer(SearchResponse Response, short? Space);

/// <summary>The way of a question: its vector, one round trip to the database, again exactly where the index came back short.</summary>
internal sealed class Searcher(
    SearchStore store, ActiveSpace active, QuestionEmbedder embedder, LexemeStatistics lexemes, TextLanguages languages, RecallCanary canary, FormerStates former,
    SearchTelemetry telemetry, IOptions<SearchOptions> options)
{
    // A group takes one hit of many candidates.
    private const int CandidatesPerGroup = 4;

    // What an exact search compares anyway costs little more to look at; groups that are still not filled have no more to give.
    private const int ExactCandidates = 5_000;

    // Vectors compared one after the other in the time that the index (HNSW, 100 in view) takes to find a hundred: measured at 150,000 memories.
    private const double StepsOfTheIndex = 1_600;

    // One more than a switch and its way back need. After that somebody switches all the time, and the last answer, which was whole and
    // true a moment ago, is better than none.
    private const int MostAttempts = 4;

    /// <returns>Null: the memory to find more like does not exist.</returns>
    public async Task<SearchResponse?> SearchAsync(Question question, bool unified, CancellationToken ct) =>
        (await AnswerAsync(question, unified, ct))?.Response;

    /// <returns>Null: the memory to find more like does not exist.</returns>
    public async Task<SpaceAnswer?> AnswerAsync(Question question, bool unified, CancellationToken ct)
    {
        using var measurement = telemetry.Start(question.Mode, question.Across is not null ? SearchType.Projects : unified ? SearchType.Unified : SearchType.Memories);
        // Reads are safe to repeat.
        var answer = await TransientRetry.RunAsync(token => InOneSpaceAsync(question, measurement, token), ct);
        if (answer is null)
        {
            measurement.NotFound();
            return null;
        }

        measurement.Found(answer.Response.Hits.Count, answer.Response.Degraded);
        return answer;
    }

    private async Task<SpaceAnswer?> InOneSpaceAsync(Question question, SearchTelemetry.Measurement measurement, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var (answer, current) = await TryAsync(question, measurement, ct);
                if (current || attempt == MostAttempts)
                {
                    return answer;
                }
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable && attempt < MostAttempts)
            {
                // The space was dropped meanwhile, and its table with it.
            }

            active.Forget();
            measurement.Switched();
        }
    }

    /// <returns>The answer, and whether its space was still the active one when the memories were read.</returns>
    private async Task<(SpaceAnswer? Answer, bool Current)> TryAsync(Question question, SearchTelemetry.Measurement measurement, CancellationToken ct)
    {
        var degraded = new List<string>();
        var space = await active.GetAsync(ct);
        HalfVector? vector = null;
        if (question.Like is { } id)
        {
            if (await store.FindAsync(id, question.Mode == SearchMode.Text ? null : space, ct) is not { } like)
            {
                return (null, true);
            }

            vector = like.Vector;
            if (question.Mode != SearchMode.Text && vector is null)
            {
                degraded.Add(space is null ? ErrorCodes.Degraded.EmbeddingUnavailable : ErrorCodes.Degraded.EmbeddingPending);
            }
        }
        else if (question.Mode != SearchMode.Text)
        {
            var asked = space is null ? new QuestionVector(null, Missing: true) : await embedder.EmbedAsync(question.Asked!.Words, space, ct);
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

        var plan = await PlanAsync(question, space, vector, ct);
        var found = plan.Words || vector is not null
            ? await FindAsync(plan, measurement, ct)
            // Nothing to look for here; another space's model may answer.
            : new SearchRows([], More: false, (await active.ReadAsync(ct))?.Id);
        if (found.Eased)
        {
            degraded.Add(ErrorCodes.Degraded.Busy);
        }

        var hits = await former.ShowAsync(question, found.Hits, ct);
        var response = new SearchResponse(
            hits, JsonNamingPolicy.CamelCase.ConvertName(question.Mode.ToString()), space?.Model, degraded, measurement.Elapsed.TotalMilliseconds)
        {
            AsOf = question.AsOf,
            Understood = question.Explain ? Understood(plan) : null,
        };
        return (new SpaceAnswer(response, space?.Id), found.ActiveSpace == space?.Id);
    }

    /// <summary>Everything that the statement of a question is made of, once its vector is known.</summary>
    internal async ValueTask<SearchPlan> PlanAsync(Question question, EmbeddingSpace? space, HalfVector? vector, CancellationToken ct)
    {
        var words = question.Mode != SearchMode.Vector;
        var frequencies = words || question.ProjectId is not null || question.Across is not null || question.Types.Count > 0 ? await lexemes.GetAsync(question, ct) : LexemeFrequencies.Unknown;
        var plan = new SearchPlan(question, space, vector, words, frequencies, Tuning(question, space))
        {
            Narrow = IsNarrow(question, frequencies),
            Languages = question.Language is { } language ? [language] : languages.InUse(question.ProjectId),
        };
        return plan with { Wide = IsWide(question, frequencies, SearchStore.Walked(plan)) };
    }

    /// <summary>
    /// Comparing the vectors of a share s of N memories takes N·s steps; an index that knows nothing of projects is walked until enough of that share came by, and that is dearer the smaller
    /// the share.
    /// </summary>
    internal static bool IsNarrow(Question question, LexemeFrequencies known)
    {
        if (known.Projects is not { } projects || (question.ProjectId is null && question.Across is null))
        {
            return false;
        }

        var share = question.Across is { } across ? across.Projects.Keys.Sum(projects.Of) : projects.Of(question.ProjectId!);
        return known.Rows * share * share <= StepsOfTheIndex;
    }

    /// <summary>The other way round: so many memories are of the types asked for that the index finds them sooner than comparing all of these would.</summary>
    /// <param name="walked">The share of the index's usual walk that is enough.</param>
    internal static bool IsWide(Question question, LexemeFrequencies known, double walked)
    {
        if (known.Types is not { } types || question.Types.Count == 0)
        {
            return false;
        }

        var share = Math.Min(1, question.Types.Distinct(StringComparer.Ordinal).Sum(types.Of));
        return known.Rows * share * share > StepsOfTheIndex * walked;
    }

    private async Task<SearchRows> FindAsync(SearchPlan plan, SearchTelemetry.Measurement measurement, CancellationToken ct)
    {
        var found = await store.SearchAsync(plan, ct);
        canary.Offer(plan);
        if (found.Hits.Count >= plan.Question.Limit || !found.More || found.ActiveSpace != plan.Space?.Id)
        {
            return found;
        }

        // Whoever asks for ten and could have ten gets ten: this time without the bounds that made it quick.
        measurement.RanExactly();
        var exact = plan with { Exact = true, Tuning = plan.Tuning with { Candidates = ExactCandidates, RankedMatches = ExactCandidates } };
        return (await store.SearchAsync(exact, ct)) with { Eased = found.Eased };
    }

    private SearchTuning Tuning(Question question, EmbeddingSpace? space)
    {
        var o = options.Value;
        var candidates = Math.Max(o.Candidates, question.Limit * (question.GroupBy == Grouping.None ? 3 : 3 * CandidatesPerGroup));
        var (fusion, weight) = Fusion(o, space);
        return new SearchTuning(candidates, Math.Max(o.RankedMatches, candidates), o.ScannedMatches, o.EfSearch, fusion, o.RankConstant, weight, o.NeighbourShare, o.FileNeighbourShare)
        {
            CrowdedEffort = o.CrowdedEffort,
        };
    }

    /// <summary>What is set for the space's model, else for all, else what was measured on conversations and on code: a hashed model helps the words, a trained one stands beside them.</summary>
    private static (FusionKind Fusion, double VectorWeight) Fusion(SearchOptions o, EmbeddingSpace? space)
    {
        var weight = o.VectorWeight ?? (space?.Model.StartsWith("builtin-hash", StringComparison.Ordinal) == true ? 0.3 : 0.5);
        var own = o.Spaces.Select(ModelFusion.Parse).LastOrDefault(m => m?.Model == space?.Model);
        return own is null ? (o.Fusion, weight) : own.VectorWeight is { } share ? (FusionKind.Weighted, share) : (FusionKind.Rrf, weight);
    }

    private static UnderstoodQuestion Understood(SearchPlan plan)
    {
        var asked = plan.Question.Asked;
        return new UnderstoodQuestion(
            asked?.Words ?? "", asked?.Phrases ?? [], [.. asked?.Excluded.Select(e => e.Text) ?? []], asked?.Prefix, asked?.Names ?? [], plan.Words ? plan.Languages : [],
            plan.Hybrid ? JsonNamingPolicy.CamelCase.ConvertName(plan.Tuning.Fusion.ToString()) : null,
            plan is { Hybrid: true, Tuning.Fusion: FusionKind.Weighted } ? plan.Tuning.VectorWeight : null);
    }
}
