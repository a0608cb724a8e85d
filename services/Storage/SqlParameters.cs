using Npgsql;
using NpgsqlTypes;

namespace Mahavishnu.Storage;

/// <summary>Positional parameters with their type said aloud: a null has one, too. Meant for <c>using static</c> in a store.</summary>
public static class SqlParameters
{
    /// <summary>text</summary>
    public static NpgsqlParameter Text(string? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };

    /// <summary>text[]</summary>
    public static NpgsqlParameter Texts(IEnumerable<string> values) => new NpgsqlParameter<string[]> { TypedValue = [.. values] };

    /// <summary>uuid</summary>
    public static NpgsqlParameter Uuid(Guid value) => new NpgsqlParameter<Guid> { TypedValue = value };

    /// <summary>uuid[]</summary>
    public static NpgsqlParameter Uuids(Guid[] values) => new NpgsqlParameter<Guid[]> { TypedValue = values };

    /// <summary>jsonb, from its text.</summary>
    public static NpgsqlParameter Jsonb(string json) => new() { Value = json, NpgsqlDbType = NpgsqlDbType.Jsonb };

    /// <summary>timestamptz</summary>
    public static NpgsqlParameter Time(DateTimeOffset? time) => new() { Value = time is { } t ? t.ToUniversalTime() : DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
