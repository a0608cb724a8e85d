using System.Text.Json;
using Mahavishnu.Storage;

namespace Mahavishnu.Migration;

/// <summary>How a column of the source is read.</summary>
internal enum ColumnKind
{
    Text,
    Json,

    /// <summary>As the text of the number.</summary>
    Number,
    Boolean,

    /// <summary>The wall clock of the source's machine.</summary>
    LocalTime,
    UtcTime,
    List,

    /// <summary>Not read: vectors are made anew, fingerprints are derived.</summary>
    Left,
}

/// <param name="Name">As in the file.</param>
/// <param name="Type">The type as DuckDB names it.</param>
/// <param name="Kind">How it is read.</param>
internal sealed record SourceColumn(string Name, string Type, ColumnKind Kind)
{
    public SourceColumn(string name, string type) : this(name, type, KindOf(type))
    {
    }

    private static ColumnKind KindOf(string type) => type switch
    {
        "JSON" => ColumnKind.Json,
        "BOOLEAN" => ColumnKind.Boolean,
        "TIMESTAMP WITH TIME ZONE" => ColumnKind.UtcTime,
        "DATE" => ColumnKind.LocalTime,
        "BLOB" or "BIT" => ColumnKind.Left,
        "VARCHAR[]" => ColumnKind.List,
        "TINYINT" or "SMALLINT" or "INTEGER" or "BIGINT" or "HUGEINT" or "UTINYINT" or "USMALLINT" or "UINTEGER" or "UBIGINT" or "UHUGEINT" or "FLOAT" or "DOUBLE" => ColumnKind.Number,
        _ when type.StartsWith("DECIMAL", StringComparison.Ordinal) => ColumnKind.Number,
        _ when type.StartsWith("TIMESTAMP", StringComparison.Ordinal) => ColumnKind.LocalTime,
        // FLOAT[384]
        _ when type.EndsWith(']') && (type.StartsWith("FLOAT", StringComparison.Ordinal) || type.StartsWith("DOUBLE", StringComparison.Ordinal)) => ColumnKind.Left,
        _ => ColumnKind.Text,
    };
}

/// <param name="Microseconds">Since 1970.</param>
/// <param name="Utc">Else the wall clock of the source's machine.</param>
internal sealed record Moment(long Microseconds, bool Utc);

/// <summary>A time that no client holds: infinity, or a year far away.</summary>
internal sealed record OddTime(string Text);

/// <summary>A row as it stands in the file.</summary>
internal sealed class RawRow(long number, IReadOnlyList<SourceColumn> columns, object?[] values)
{
    public long Number => number;
    public IReadOnlyList<SourceColumn> Columns => columns;

    /// <summary>A string, a list of strings, a <see cref="Moment"/>, an <see cref="OddTime"/>, a <see cref="JsonNumber"/> or a boolean; null where the column is NULL.</summary>
    public object? this[int column] => values[column];

    public object? this[string column] => IndexOf(column) is >= 0 and var index ? values[index] : null;

    public string? Text(string column) => this[column] switch
    {
        string text => text,
        JsonNumber number => number.Text,
        _ => null,
    };

    public SourceTime Time(string column, SourceClock clock) => this[column] switch
    {
        Moment { Utc: true } moment => SourceClock.FromUtc(moment.Microseconds),
        Moment moment => clock.FromLocal(moment.Microseconds),
        OddTime odd => SourceTime.Unknown(odd.Text),
        string text => clock.FromText(text),
        JsonNumber number => clock.FromText(number.Text),
        _ => default,
    };

    public int IndexOf(string column)
    {
        for (var i = 0; i < columns.Count; i++)
        {
            if (string.Equals(columns[i].Name, column, StringComparison.OrdinalIgnoreCase))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>The texts of a list, whatever it is stored as; those that are blank are left out.</summary>
    public IReadOnlyList<string> List(string column)
    {
        var items = this[column] switch
        {
            IReadOnlyList<string?> list => list,
            string text => FromText(text),
            _ => [],
        };
        return [.. items.Select(SourceText.Name).OfType<string>().Distinct(StringComparer.Ordinal)];
    }

    /// <summary>As a JSON object that jsonb takes.</summary>
    public string ToJson() => JsonText.Write(json =>
    {
        json.WriteStartObject();
        for (var i = 0; i < columns.Count; i++)
        {
            if (columns[i].Kind != ColumnKind.Left)
            {
                json.WritePropertyName(TextSanitizer.Clean(columns[i].Name));
                JsonText.WriteValue(json, values[i]);
            }
        }

        json.WriteEndObject();
    });

    // ["a","b"] or a, b
    private static string?[] FromText(string text)
    {
        try
        {
            if (text.TrimStart().StartsWith('['))
            {
                return JsonElement.Parse(text).EnumerateArray().Select(i => i.ValueKind == JsonValueKind.String ? i.GetString() : i.GetRawText()).ToArray();
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // No list after all.
        }

        return text.Split(',');
    }
}
