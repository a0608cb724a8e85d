using Mahavishnu.Storage;
using Npgsql;

namespace Mahavishnu.Benchmarks;

/// <summary>The words of texts as the text arm has them: stemmed, without stop words, identifiers split and whole. Only the counting and the weighing differ.</summary>
internal sealed class WordCountStore(NpgsqlDataSource db)
{
    /// <summary>For each text its words and how often it has them.</summary>
    public async Task<IReadOnlyList<IReadOnlyDictionary<string, int>>> CountAsync(IReadOnlyList<string> texts, CancellationToken ct)
    {
        var counts = new Dictionary<string, int>[texts.Count];
        for (var i = 0; i < texts.Count; i++)
        {
            counts[i] = new(StringComparer.Ordinal);
        }

        await using var command = db.CreateCommand("""
            SELECT t.number, w.lexeme, coalesce(cardinality(w.positions), 1)
            FROM unnest($1) WITH ORDINALITY AS t(body, number) CROSS JOIN LATERAL unnest(mahavishnu_words('english', t.body)) AS w
            """);
        command.CommandTimeout = 0;
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. texts] });
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            counts[row.GetInt64(0) - 1].Add(row.GetString(1), row.GetInt32(2));
        }

        return counts;
    }

    /// <summary>What autovacuum would do in its own time: searches weigh words by what it leaves behind.</summary>
    public async Task AnalyzeAsync(CancellationToken ct)
    {
        await using var command = SqlText.Command("VACUUM (ANALYZE)", db);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(ct);
    }
}
