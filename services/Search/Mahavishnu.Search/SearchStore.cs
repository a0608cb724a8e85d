using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Npgsql;
using Pgvector;

namespace Mahavishnu.Search;

/// <summary>What one search needs besides the question itself.</summary>
/// <param name="Space">Null: no vectors.</param>
/// <param name="Vector">Null: no vector arm.</param>
/// <param name="Words">False: no text arm.</param>
internal sealed record SearchPlan(Question Question, EmbeddingSpace? Space, HalfVector? Vector, bool Words, LexemeFrequencies Frequencies, SearchTuning Tuning)
{
    /// <summary>True: every vector in scope is compared, whatever index there is.</summary>
    public bool Exact { get; init; }

    /// <summary>True: so few memories are in scope that comparing all their vectors is quicker than looking for them in an index of all.</summary>
    public bool Narrow { get; init; }

    /// <summary>True: so many memories are of the types asked for that the index is the way to them.</summary>
    public bool Wide { get; init; }

    /// <summary>The text configurations the question is read in.</summary>
    public IReadOnlyList<string> Languages { get; init; } = TextLanguages.Standard.InUse(null);

    public bool Hybrid => Words && Vector is not null;
}

/// <summary>The numbers of one search, from <see cref="SearchOptions"/> and the question.</summary>
/// <param name="Candidates">Memories each arm hands to the fusion.</param>
internal sealed record SearchTuning(
    int Candidates, int RankedMatches, int ScannedMatches, int EfSearch, FusionKind Fusion, int RankConstant, double VectorWeight, double NeighbourShare, double FileNeighbourShare)
{
    /// <summary>The share of the words' matches that is looked at while many searches wait.</summary>
    public double CrowdedEffort { get; init; } = 1;

    // Fewer candidates than these, or than twice the hits, find less.
    private const int LeastCandidates = 40;
    private const int LeastInView = 60;

    /// <summary>The same search with fewer of the words' matches, and fewer candidates of each arm for a list that is not grouped.</summary>
    public SearchTuning Eased(Question question)
    {
        var candidates = question.GroupBy == Grouping.None ? Math.Min(Candidates, Math.Max(LeastCandidates, question.Limit * 2)) : Candidates;
        return this with
        {
            Candidates = candidates,
            EfSearch = Math.Min(EfSearch, Math.Max(LeastInView, candidates)),
            ScannedMatches = Math.Max(1, (int)(ScannedMatches * CrowdedEffort)),
            RankedMatches = Math.Max(candidates, (int)(RankedMatches * CrowdedEffort)),
        };
    }
}

/// <param name="Hits">Best first.</param>
/// <param name="More">Whether there may be more than these, because a bound of the search was reached.</param>
/// <param name="ActiveSpace">The space that was active when they were read: another than the plan's, and they are not what is asked for.</param>
internal sealed record SearchRows(IReadOnlyList<SearchHit> Hits, bool More, short? ActiveSpace)
{
    /// <summary>Whether fewer of the words' matches were looked at, because many waited.</summary>
    public bool Eased { get; init; }
}

/// <param name="Vector">Null while it has none.</param>
internal sealed record LikeMemory(Guid Id, HalfVector? Vector);

/// <summary>Runs a search: everything in one statement, one round trip. Its text is put together in the other parts of this class.</summary>
internal sealed partial class SearchStore(NpgsqlDataSource db, SearchGate gate, KeptStatements kept, TenantScope tenant)
{
    /// <summary>A memory to find more like; its vector is the middle of its parts'.</summary>
    /// <returns>Null: there is no such memory (any more).</returns>
    public async Task<LikeMemory?> FindAsync(Guid id, EmbeddingSpace? space, CancellationToken ct)
    {
        var vector = space is null ? "NULL" : $"(SELECT avg(e.embedding) FROM {space.Table} e WHERE e.tenant_id = $1 AND e.memory_id = $2)";
        await using var command = SqlText.Command($"SELECT {vector} FROM memories m WHERE m.tenant_id = $1 AND m.id = $2 AND {Visible}", db);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant.Current });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? new LikeMemory(id, row.IsDBNull(0) ? null : row.GetFieldValue<HalfVector>(0)) : null;
    }

    public async Task<SearchRows> SearchAsync(SearchPlan plan, CancellationToken ct)
    {
        using var place = await gate.EnterAsync(ct);
        // By words alone less would be found; beside the vectors hardly anything is missed (ADR 0022).
        var eased = place.Crowded && plan is { Hybrid: true, Exact: false, Tuning.CrowdedEffort: < 1 };
        var rows = await RunAsync(eased ? plan with { Tuning = plan.Tuning.Eased(plan.Question) } : plan, ct);
        return rows with { Eased = eased };
    }

    private async Task<SearchRows> RunAsync(SearchPlan plan, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var batch = connection.CreateBatch();
        return await SearchAsync(batch, plan, ct);
    }

    private async Task<SearchRows> SearchAsync(NpgsqlBatch batch, SearchPlan plan, CancellationToken ct)
    {
        batch.BatchCommands.Add(Settings(plan));
        batch.BatchCommands.Add(Compose(plan));
        if (IsPlain(plan))
        {
            await kept.PrepareAsync(batch, ct);
        }

        var hits = new List<SearchHit>(plan.Question.Limit);
        await using var row = await batch.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        short? active = row.IsDBNull(0) ? null : row.GetInt16(0);
        await row.NextResultAsync(ct);
        var more = false;
        while (await row.ReadAsync(ct))
        {
            more = More(plan, nearest: row.GetInt32(0), unreadWords: row.GetBoolean(1), byText: row.GetInt32(2), tooFar: row.GetBoolean(3));
            if (!row.IsDBNull(First))
            {
                hits.Add(Read(row, plan));
            }
        }

        return new SearchRows(hits, more, active);
    }

    private static bool More(SearchPlan plan, int nearest, bool unreadWords, int byText, bool tooFar)
    {
        // An index scan that came back short has given up; one that did not was cut.
        var cut = nearest >= Fetch(plan);
        var vectors = plan.Vector is not null && (cut || plan is { Exact: false, Narrow: false, Space.IndexState: "ready" });
        return !tooFar && (vectors || unreadWords || byText == plan.Tuning.Candidates);
    }

    // Of a search without filters one plan is as good as the next, and making it anew is a good part of what the search costs. With a filter it depends on
    // the values whether an index on them or the vectors' is the better way in; of a project, and of types that many memories are of, that is known before.
    private static bool IsPlain(SearchPlan plan) =>
        !plan.Exact && (plan.Question.ProjectId is null || plan.Narrow) && (plan.Question.Types.Count == 0 || (plan.Wide && plan.Question.ProjectId is null)) && plan.Question is
        {
            Sources.Count: 0, Tags.Count: 0, RepoId: null, AgentId: null, WorkflowId: null, SessionId: null,
            After: null, Before: null, AsOf: null, Filter: null, Across: null, Origin: null or Origin.Any, Asked: null or { IsPlain: true },
        };

    // A batch is one transaction: the settings last for it.
    // The active space comes along: whoever knew another one a moment ago learns of the switch in the same round trip.
    private const string SettingsSql = $"SELECT (SELECT s.id FROM embedding_spaces s WHERE s.state = 'active'), {VectorScan.Settings}, set_config('plan_cache_mode', $3, true)";

    private static NpgsqlBatchCommand Settings(SearchPlan plan)
    {
        var settings = new NpgsqlBatchCommand(SettingsSql);
        VectorScan.AddTo(settings.Parameters, plan.Space, InView(plan));
        settings.Parameters.Add(new NpgsqlParameter<string> { TypedValue = IsPlain(plan) ? "force_generic_plan" : "force_custom_plan" });
        return settings;
    }

    // Before it: what the search says about itself.
    private const int First = 4;

    private static SearchHit Read(NpgsqlDataReader row, SearchPlan plan)
    {
        var metadata = JsonElement.Parse(row.GetString(First + 11));
        var (path, lines) = Place(metadata);
        return new SearchHit
        {
            Id = row.GetGuid(First),
            Type = row.GetString(First + 1),
            Source = row.GetString(First + 2),
            Title = Text(row, First + 3),
            Content = row.GetString(First + 4),
            Tags = row.GetFieldValue<string[]>(First + 5),
            ProjectId = Text(row, First + 6),
            AgentId = Text(row, First + 7),
            WorkflowId = Text(row, First + 8),
            RepoId = Text(row, First + 9),
            SessionId = Text(row, First + 10),
            Metadata = metadata,
            Path = path,
            Lines = lines,
            OccurredAt = row.GetFieldValue<DateTimeOffset>(First + 12),
            Score = row.GetDouble(First + 13),
            Similarity = row.IsDBNull(First + 14) ? null : row.GetDouble(First + 14),
            Explain = plan.Question.Explain ? Explain(row) : null,
        };
    }

    private static HitExplanation Explain(NpgsqlDataReader row) => new(
        row.IsDBNull(First + 15) ? null : new VectorRank((int)row.GetInt64(First + 15), row.GetDouble(First + 14)),
        row.IsDBNull(First + 16) ? null : new TextRank(
            (int)row.GetInt64(First + 16), row.GetDouble(First + 17),
            row.IsDBNull(First + 21) ? [] : JsonSerializer.Deserialize<List<WordScore>>(row.GetString(First + 21), WireJson.Lenient)!),
        row.GetDouble(First + 18),
        row.GetDouble(First + 19),
        row.IsDBNull(First + 20) ? null : row.GetDouble(First + 20));

    /// <summary>Where in a file it is: <c>{"path":"src/a.cs","lines":{"start":1,"end":9}}</c>, if the metadata say so.</summary>
    private static (string? Path, LineRange? Lines) Place(JsonElement metadata)
    {
        if (metadata.ValueKind != JsonValueKind.Object)
        {
            return (null, null);
        }

        var path = metadata.TryGetProperty("path", out var p) && p.ValueKind == JsonValueKind.String ? p.GetString() : null;
        var lines = metadata.TryGetProperty("lines", out var l) && l.ValueKind == JsonValueKind.Object
            && Line(l, "start") is { } start && Line(l, "end") is { } end ? new LineRange(start, end) : null;
        return (path, lines);
    }

    private static int? Line(JsonElement lines, string name) =>
        lines.TryGetProperty(name, out var line) && line.ValueKind == JsonValueKind.Number && line.TryGetInt32(out var number) ? number : null;

    private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
