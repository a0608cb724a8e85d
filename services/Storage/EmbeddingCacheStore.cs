using System.Numerics.Tensors;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using NpgsqlTypes;
using Pgvector;

namespace Mahavishnu.Storage;

/// <summary>A text by what it says, and its vector.</summary>
/// <param name="Hash">See <see cref="EmbeddingCacheStore.HashOf"/>.</param>
public sealed record CachedVector(byte[] Hash, ReadOnlyMemory<float> Vector);

/// <summary>Vectors by the hash of their text, for each space: the same text is embedded once.</summary>
public sealed class EmbeddingCacheStore(NpgsqlDataSource db)
{
    // When a vector was last used is kept to the hour: else every look would be a write.
    private const string FindSql = """
        WITH touched AS (
            UPDATE embedding_cache SET used_at = now() WHERE space_id = $1 AND text_hash = ANY($2) AND used_at < now() - interval '1 hour')
        SELECT text_hash, embedding FROM embedding_cache WHERE space_id = $1 AND text_hash = ANY($2)
        """;

    /// <summary>What of a memory is embedded.</summary>
    public static string TextOf(string? title, string content) => title is null ? content : $"{title}\n{content}";

    /// <summary>SHA-256 of the text in UTF-8.</summary>
    public static byte[] HashOf(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    /// <summary>Those of the texts that have been embedded before, by the hash in hex.</summary>
    public async Task<IReadOnlyDictionary<string, ReadOnlyMemory<float>>> FindAsync(EmbeddingSpace space, IReadOnlyCollection<byte[]> hashes, CancellationToken ct)
    {
        var found = new Dictionary<string, ReadOnlyMemory<float>>(StringComparer.Ordinal);
        if (hashes.Count == 0)
        {
            return found;
        }

        await using var command = db.CreateCommand(FindSql);
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = space.Id });
        command.Parameters.Add(new NpgsqlParameter<byte[][]> { TypedValue = [.. hashes] });
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var halves = row.GetFieldValue<HalfVector>(1).Memory;
            var vector = new float[halves.Length];
            TensorPrimitives.ConvertToSingle(halves.Span, vector);
            found[Convert.ToHexString(row.GetFieldValue<byte[]>(0))] = vector;
        }

        return found;
    }

    /// <summary>Keeps vectors; those that are there already stay.</summary>
    public async Task SaveAsync(EmbeddingSpace space, IReadOnlyCollection<CachedVector> vectors, CancellationToken ct)
    {
        if (vectors.Count == 0)
        {
            return;
        }

        // In one order, so that two who keep the same texts do not wait for each other in a circle.
        var sorted = vectors.OrderBy(v => Convert.ToHexString(v.Hash), StringComparer.Ordinal).ToList();
        await using var command = db.CreateCommand("""
            INSERT INTO embedding_cache (space_id, text_hash, embedding)
            SELECT s.id, v.hash, v.embedding FROM embedding_spaces s CROSS JOIN unnest($2, $3) WITH ORDINALITY AS v(hash, embedding, n)
            WHERE s.id = $1 AND s.state <> 'dropping' ORDER BY v.n ON CONFLICT DO NOTHING
            """);
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = space.Id });
        command.Parameters.Add(new NpgsqlParameter<byte[][]> { TypedValue = [.. sorted.Select(v => v.Hash)] });
        command.Parameters.Add(new NpgsqlParameter { Value = sorted.Select(v => Halves(v.Vector.Span)).ToArray(), DataTypeName = "halfvec[]" });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Forgets what was not used longest, beyond <paramref name="rows"/> vectors of all spaces.</summary>
    /// <returns>How many were forgotten.</returns>
    public async Task<int> PruneAsync(int rows, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            DELETE FROM embedding_cache WHERE ctid = ANY (ARRAY(SELECT ctid FROM embedding_cache ORDER BY used_at DESC OFFSET $1))
            """);
        command.CommandTimeout = 0;
        command.Parameters.Add(new NpgsqlParameter { Value = rows, NpgsqlDbType = NpgsqlDbType.Integer });
        return await command.ExecuteNonQueryAsync(ct);
    }

    private static HalfVector Halves(ReadOnlySpan<float> vector)
    {
        var halves = new Half[vector.Length];
        TensorPrimitives.ConvertToHalf(vector, halves);
        return new HalfVector(halves);
    }
}
