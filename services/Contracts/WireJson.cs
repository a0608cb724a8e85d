using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mahavishnu.Contracts;

/// <summary>How JSON is read and written everywhere: camelCase, UTC times; servers refuse what they do not know, clients tolerate it.</summary>
public static class WireJson
{
    /// <summary>For servers: unknown and repeated properties are errors.</summary>
    public static JsonSerializerOptions Strict { get; } = Freeze(strict: true);

    /// <summary>For clients: a newer server may say more than this program knows.</summary>
    public static JsonSerializerOptions Lenient { get; } = Freeze(strict: false);

    /// <summary>Makes <paramref name="options"/> (for example a web host's own) read and write the wire format strictly.</summary>
    public static void Apply(JsonSerializerOptions options) => Configure(options, strict: true);

    private static JsonSerializerOptions Freeze(bool strict)
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        Configure(options, strict);
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }

    private static void Configure(JsonSerializerOptions options, bool strict)
    {
        options.UnmappedMemberHandling = strict ? JsonUnmappedMemberHandling.Disallow : JsonUnmappedMemberHandling.Skip;
        options.AllowDuplicateProperties = !strict;
        options.NumberHandling = JsonNumberHandling.Strict;
        // Code and prose are full of < > & and non-ASCII letters; the answer is JSON, never embedded in HTML.
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        options.Converters.Add(new UtcTimeConverter());
    }

    /// <summary>ISO 8601 in UTC. A time without an offset is taken as UTC: the server's own time zone must not change what a client said.</summary>
    private sealed class UtcTimeConverter : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String && WireTime.TryParse(reader.GetString(), out var time)
                ? time
                : throw new JsonException("The value must be an ISO 8601 time such as 2026-01-31T12:00:00Z.");

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
            writer.WriteStringValue(WireTime.Format(value));
    }
}

/// <summary>Times as text: ISO 8601, UTC, microseconds (what PostgreSQL keeps).</summary>
public static class WireTime
{
    public static bool TryParse(string? text, out DateTimeOffset time)
    {
        // Only ISO forms: "1/2/2026" means two days, depending on who reads it.
        time = default;
        return text is { Length: >= 10 } && char.IsAsciiDigit(text[0]) && text[4] == '-' && text[7] == '-'
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);
    }

    public static string Format(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture);
}
