using System.Globalization;
using Mahavishnu.Contracts;
using Npgsql;
using Pgvector;

namespace Mahavishnu.Storage;

/// <summary>Which memories a space holds nearest to a question, and which the words bring up: what two spaces are compared by. The search proper is elsewhere.</summary>
public sealed class NearestStore(NpgsqlDataSource db, TenantScope tenant)
{
    // As a search looks through the index.
    private const int EfSearch = 100;

    // A memory may have several parts among the nearest, and some are no longer there for anybody.
    private const int PartsPerMemory = 3;

    // Of a long question; each is a look into the index.
    private const int MostWords = 32;

    // Ranking reads the words of each match; those with all of the question's words come first.
    private const int MostMatches = 1_000;

    private const string Visible = "m.deleted_at IS NULL AND (m.expires_at IS NULL OR m.expires_at > now()) AND m.superseded_by IS NULL";

    /// <summary>The nearest memories, the nearest first: every vector in scope compared, whatever index there is.</summary>
    public async Task<IReadOnlyList<Guid>> ExactAsync(EmbeddingSpace space, HalfVector question, QueryScope scope, int limit, CancellationToken ct)
    {
        for (var fetch = limit * PartsPerMemory; ; fetch *= 4)
        {
            var (ids, read) = await FindAsync(space, question, scope, limit, fetch, exact: true, ct);
            if (ids.Count == limit || read < fetch)
            {
                return ids;
            }
        }
    }

    /// <summary>The nearest memories as a search finds them: through the space's index, where the planner takes it.</summary>
    public async Task<IReadOnlyList<Guid>> ByIndexAsync(EmbeddingSpace space, HalfVector question, QueryScope scope, int limit, CancellationToken ct) =>
        (await FindAsync(space, question, scope, limit, Math.Max(EfSearch, limit * PartsPerMemory), exact: false, ct)).Ids;

    /// <summary>The memories that the words of a question rank first.</summary>
    public async Task<IReadOnlyList<Guid>> ByWordsAsync(string query, QueryScope scope, int limit, CancellationToken ct)
    {
        await using var command = SqlText.Command($"""
            WITH asked AS MATERIALIZED (
                SELECT string_agg(quoted, ' & ')::tsquery AS all_words, string_agg(quoted, ' | ')::tsquery AS any_word
                FROM (SELECT '''' || replace(replace(l.lexeme, '\', '\\'), '''', '''''') || '''' AS quoted
                      FROM unnest(tsvector_to_array(mahavishnu_words('english', $6))) AS l(lexeme)
                      ORDER BY length(l.lexeme) DESC, l.lexeme LIMIT {Number(MostWords)}) q),
            found AS (
                (SELECT m.id, m.words FROM memories m WHERE m.words @@ (SELECT all_words FROM asked) AND {Scope("m")} AND {Visible} LIMIT {Number(MostMatches)})
                UNION ALL
                (SELECT m.id, m.words FROM memories m WHERE m.words @@ (SELECT any_word FROM asked) AND {Scope("m")} AND {Visible} LIMIT {Number(MostMatches)}))
            SELECT f.id FROM found f GROUP BY f.id ORDER BY max(ts_rank(f.words, (SELECT any_word FROM asked))) DESC, f.id LIMIT $7
            """, db);
        AddScope(command.Parameters, scope);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = query });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        var ids = new List<Guid>(limit);
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            ids.Add(row.GetGuid(0));
        }

        return ids;
    }

    /// <returns>The memories, and how many vectors were read for them.</returns>
    private async Task<(List<Guid> Ids, int Read)> FindAsync(
        EmbeddingSpace space, HalfVector question, QueryScope scope, int limit, int fetch, bool exact, CancellationToken ct)
    {
        await using var batch = db.CreateBatch();
        var settings = new NpgsqlBatchCommand("SELECT " + VectorScan.Settings);
        VectorScan.AddTo(settings.Parameters, space, EfSearch);
        batch.BatchCommands.Add(settings);
        var distance = exact ? $"e.embedding {space.Operator} $6" : space.IndexedDistance("e.embedding", "$6");
        // ORDER BY is the bare operator over the index's own expression, or it is not used; "+ 0" is how it is kept out.
        var search = new NpgsqlBatchCommand($"""
            WITH near AS MATERIALIZED (
                SELECT e.memory_id AS id, {distance} AS distance FROM {space.Table} e
                WHERE {Scope("e")} ORDER BY {(exact ? $"({distance}) + 0" : distance)} LIMIT $7)
            SELECT (SELECT count(*)::int FROM near), n.id
            FROM (SELECT) always LEFT JOIN (
                SELECT m.id, min(near.distance) AS distance
                FROM near JOIN memories m ON m.tenant_id = $1 AND m.id = near.id WHERE {Scope("m")} AND {Visible}
                GROUP BY m.id ORDER BY min(near.distance), m.id LIMIT $8) n ON true
            ORDER BY n.distance, n.id
            """);
        AddScope(search.Parameters, scope);
        search.Parameters.Add(new NpgsqlParameter { Value = question, DataTypeName = "halfvec" });
        search.Parameters.Add(new NpgsqlParameter<int> { TypedValue = fetch });
        search.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        batch.BatchCommands.Add(search);

        var (ids, read) = (new List<Guid>(limit), 0);
        await using var row = await batch.ExecuteReaderAsync(ct);
        await row.NextResultAsync(ct);
        while (await row.ReadAsync(ct))
        {
            read = row.GetInt32(0);
            if (!row.IsDBNull(1))
            {
                ids.Add(row.GetGuid(1));
            }
        }

        return (ids, read);
    }

    // What is not asked about is not a condition: the planner sees the values.
    private static string Scope(string row) => $"""
        {row}.tenant_id = $1 AND (cardinality($2) = 0 OR {row}.memory_type = ANY($2)) AND (cardinality($3) = 0 OR {row}.source_system = ANY($3))
        AND ($4 = '' OR {row}.project_id = $4) AND ($5 = '' OR {row}.repo_id = $5)
        """;

    private void AddScope(NpgsqlParameterCollection parameters, QueryScope scope)
    {
        parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant.Current });
        parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. scope.Types] });
        parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. scope.Sources] });
        parameters.Add(new NpgsqlParameter<string> { TypedValue = scope.ProjectId ?? "" });
        parameters.Add(new NpgsqlParameter<string> { TypedValue = scope.RepoId ?? "" });
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
