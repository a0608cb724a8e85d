using Mahavishnu.Storage;
using Npgsql;

namespace Mahavishnu.Search;

/// <summary>How common words are in this store.</summary>
/// <param name="Rows">Memories, as PostgreSQL last counted them.</param>
/// <param name="Words">Lexemes with enough matches to be worth knowing before they are looked up; the others are counted as they are found.</param>
/// <param name="Frequencies">Of each of <paramref name="Words"/>: the share of memories that have it.</param>
internal sealed record LexemeFrequencies(long Rows, IReadOnlyList<string> Words, IReadOnlyList<float> Frequencies)
{
    public static LexemeFrequencies Unknown { get; } = new(0, [], []);

    /// <summary>How the memories are spread over projects; null: not counted yet.</summary>
    public ValueShares? Projects { get; init; }

    /// <summary>How the memories are spread over types; null: not counted yet.</summary>
    public ValueShares? Types { get; init; }
}

/// <summary>How the memories are spread over the values of a column.</summary>
/// <param name="Known">The share of each of the more common ones.</param>
/// <param name="Other">The share of any other.</param>
internal sealed record ValueShares(IReadOnlyDictionary<string, float> Known, double Other)
{
    public double Of(string value) => Known.TryGetValue(value, out var share) ? share : Other;
}

/// <summary>Reads what PostgreSQL keeps about the lexemes, projects and types of all memories: its planner's statistics, gathered by (auto)analyze from a sample of the rows.</summary>
internal sealed class LexemeStore(NpgsqlDataSource db)
{
    // Below this many matches the text arm counts them itself, exactly.
    private const int WorthKnowing = 200;

    // Until the first analyze: the newest memories stand for all.
    private const int Sample = 1_000;

    public async Task<LexemeFrequencies> ReadAsync(CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        long rows;
        ValueShares? projects, types;
        await using (var command = SqlText.Command($"""
            SELECT greatest(c.reltuples::bigint, s.n_live_tup, 0), p.words, p.frequencies, q.names, q.shares, q.other, t.names, t.shares, t.other
            FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
            LEFT JOIN LATERAL (
                -- The frequencies of a tsvector column end with their least and greatest, which belong to no word.
                SELECT array_agg(e.word) AS words, array_agg(e.frequency) AS frequencies
                FROM pg_stats st, unnest(st.most_common_elems::text::text[], st.most_common_elem_freqs) AS e(word, frequency)
                WHERE st.schemaname = n.nspname AND st.tablename = c.relname AND st.attname = 'words'
                    AND e.word IS NOT NULL AND e.frequency * greatest(c.reltuples, s.n_live_tup, 0) >= $1) p ON true
            LEFT JOIN LATERAL ({Shares("project_id")}) q ON true
            LEFT JOIN LATERAL ({Shares("memory_type")}) t ON true
            WHERE c.oid = 'memories'::regclass
            """, connection))
        {
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = WorthKnowing });
            await using var row = await command.ExecuteReaderAsync(ct);
            await row.ReadAsync(ct);
            rows = row.GetInt64(0);
            (projects, types) = (Read(row, 3), Read(row, 6));
            if (!row.IsDBNull(1))
            {
                return new LexemeFrequencies(rows, row.GetFieldValue<string[]>(1), row.GetFieldValue<float[]>(2)) { Projects = projects, Types = types };
            }
        }

        var lexemes = rows <= Sample ? new LexemeFrequencies(rows, [], []) : await SampleAsync(connection, rows, ct);
        return lexemes with { Projects = projects, Types = types };
    }

    // What is left is spread evenly over the values that are not among the most common. A negative number of distinct values is a share of the rows.
    private static string Shares(string column) => $$"""
        SELECT coalesce(st.most_common_vals::text::text[], '{}') AS names, coalesce(st.most_common_freqs, '{}') AS shares,
               greatest(0, 1 - st.null_frac - coalesce((SELECT sum(f) FROM unnest(st.most_common_freqs) AS f), 0))
                   / greatest(1, CASE WHEN st.n_distinct < 0 THEN -st.n_distinct * greatest(c.reltuples, 1) ELSE st.n_distinct END
                       - coalesce(cardinality(st.most_common_freqs), 0)) AS other
        FROM pg_stats st
        WHERE st.schemaname = n.nspname AND st.tablename = c.relname AND st.attname = '{{column}}'
        """;

    private static ValueShares? Read(NpgsqlDataReader row, int first) => row.IsDBNull(first) ? null : new ValueShares(
        row.GetFieldValue<string[]>(first).Zip(row.GetFieldValue<float[]>(first + 1)).ToDictionary(StringComparer.Ordinal), row.GetDouble(first + 2));

    private static async Task<LexemeFrequencies> SampleAsync(NpgsqlConnection connection, long rows, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            SELECT array_agg(word), array_agg((ndoc::float8 / $2)::real)
            FROM ts_stat('SELECT words FROM memories ORDER BY created_at DESC, id DESC LIMIT 1000')
            WHERE ndoc::float8 / $2 * $3 >= $1 AND ndoc > 5
            """, connection);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = WorthKnowing });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = Sample });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = rows });
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return row.IsDBNull(0)
            ? new LexemeFrequencies(rows, [], [])
            : new LexemeFrequencies(rows, row.GetFieldValue<string[]>(0), row.GetFieldValue<float[]>(1));
    }
}
