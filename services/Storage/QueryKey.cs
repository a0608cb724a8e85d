using System.Security.Cryptography;
using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Storage;

/// <summary>What makes two questions the same: their text and scope in one spelling.</summary>
internal static class QueryKey
{
    /// <summary>The scope in one spelling: names in order, none twice.</summary>
    public static QueryScope Normal(QueryScope scope) => scope with { Types = Names(scope.Types), Sources = Names(scope.Sources) };

    public static string Json(QueryScope scope) => JsonSerializer.Serialize(Normal(scope), WireJson.Lenient);

    public static QueryScope Read(string json) => JsonSerializer.Deserialize<QueryScope>(json, WireJson.Lenient) ?? new QueryScope();

    /// <summary>SHA-256 over all that makes the question what it is.</summary>
    public static byte[] Hash(string query, QueryScope scope, Guid? memoryId = null) =>
        SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(new { query, scope = Normal(scope), memoryId }, WireJson.Lenient));

    /// <summary>An id of its own kind (UUID version 8), so that whoever says the same twice means one.</summary>
    public static Guid Id(ReadOnlySpan<byte> hash)
    {
        Span<byte> id = stackalloc byte[16];
        hash[..16].CopyTo(id);
        id[6] = (byte)(0x80 | id[6] & 0x0F);
        id[8] = (byte)(0x80 | id[8] & 0x3F);
        return new Guid(id, bigEndian: true);
    }

    private static List<string> Names(IReadOnlyList<string> names) => [.. names.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
}
