using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Mahavishnu.Storage;

namespace Mahavishnu.Migration;

/// <summary>Writes JSON that jsonb takes.</summary>
internal static class JsonText
{
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // What a double holds: beyond it numbers come back changed or not at all, and 1e100000 would be stored digit by digit.
    private const int MostExponent = 308;

    public static string Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Readable))
        {
            write(json);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>A value as <see cref="RawRow"/> holds it.</summary>
    public static void WriteValue(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case JsonNumber number:
                json.WriteRawValue(number.Text);
                break;
            case JsonDocumentText document:
                json.WriteRawValue(document.Text, skipInputValidation: true);
                break;
            case Moment moment:
                // As it stands there.
                json.WriteStringValue(DateTime.UnixEpoch.AddTicks(moment.Microseconds * TimeSpan.TicksPerMicrosecond).ToString(moment.Utc ? "yyyy-MM-ddTHH:mm:ss.ffffffZ" : "yyyy-MM-ddTHH:mm:ss.ffffff", CultureInfo.InvariantCulture));
                break;
            case OddTime odd:
                json.WriteStringValue(TextSanitizer.Clean(odd.Text));
                break;
            case SourceTime { Utc: { } time }:
                json.WriteStringValue(time);
                break;
            case SourceTime { Raw: { } raw }:
                json.WriteStringValue(TextSanitizer.Clean(raw));
                break;
            case SourceTime:
                json.WriteNullValue();
                break;
            case IEnumerable<string?> list:
                json.WriteStartArray();
                foreach (var item in list)
                {
                    WriteValue(json, item);
                }

                json.WriteEndArray();
                break;
            case string text:
                json.WriteStringValue(TextSanitizer.Clean(text));
                break;
            default:
                throw new InvalidOperationException($"{value.GetType()} is no value of a source row.");
        }
    }

    /// <summary>Whether it is a number in JSON that every reader of ours holds.</summary>
    public static bool Fits(string number)
    {
        if (!double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || !double.IsFinite(value))
        {
            return false;
        }

        var e = number.AsSpan().IndexOfAny('e', 'E');
        return e < 0 || (int.TryParse(number.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var exponent) && Math.Abs(exponent) <= MostExponent);
    }
}

/// <summary>A number, as text.</summary>
internal sealed record JsonNumber(string Text)
{
    /// <summary>The number that a text is; the text itself where it is none that JSON has (nan, inf).</summary>
    public static object From(string text) => JsonText.Fits(text) && IsJson(text) ? new JsonNumber(text) : text;

    private static bool IsJson(string text)
    {
        try
        {
            return JsonElement.Parse(text).ValueKind == JsonValueKind.Number;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}

/// <summary>A whole document, clean.</summary>
internal sealed record JsonDocumentText(string Text);
