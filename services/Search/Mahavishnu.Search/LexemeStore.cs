using Npgsql;

namespace Mahavishnu.Search;

/// <summary>How common words are in this store.</summary>
/// <param name="Rows">Memories, as PostgreSQL last counted them.</param>
/// <param name="Words">Lexemes with enough matches to be worth knowing before they are looked up; the others are counted as they are found.</param>
/// <param name="Frequencies">Of each of <paramref name="Words"/>: the share of memories that have it.</param>
internal sealed record LexemeFrequencies(long Rows, IReadOnlyList<string> Words, IReadOnlyList<float> Frequencies)
{
    public static LexemeFrequencies Unknown { get; } = new(0, [], []);
}

/// <summary>Reads what PostgreSQL keeps about the lexemes of all memories: its planner's statistics, gathered by (auto)analyze from a sample of the rows.</summary>
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
        await using (var command = new NpgsqlCommand("""
            SELECT greatest(c.reltuples::bigint, s.n_live_tup, 0), p.words, p.frequencies
            FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
            LEFT JOIN LATERAL (
                -- The frequencies of a tsvector column end with their least and greatest, which belong to no word.
                SELECT array_agg(e.word) AS words, array_agg(e.frequency) AS frequencies
                FROM pg_stats st, unnest(st.most_common_elems::text::text[], st.most_common_elem_freqs) AS e(word, frequency)
                WHERE st.schemaname = n.nspname AND st.tablename = c.relname AND st.attname = 'words'
                    AND e.word IS NOT NULL AND e.frequency * greatest(c.reltuples, s.n_live_tup, 0) >= $1) p ON true
            WHERE c.oid = 'memories'::regclass
            """, connection))
        {
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = WorthKnowing });
            await using var row = await command.ExecuteReaderAsync(ct);
            await row.ReadAsync(ct);
            rows = row.GetInt64(0);
            if (!row.IsDBNull(1))
            {
                return new LexemeFrequencies(rows, row.GetFieldValue<string[]>(1), row.GetFieldValue<float[]>(2));
            }
        }

        return rows <= Sample ? new LexemeFrequencies(rows, [], []) : await SampleAsync(connection, rows, ct);
    }

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
