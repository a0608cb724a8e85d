using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Mahavishnu.ServiceDefaults;

/// <summary>
/// <c>{"timestamp":"2026-01-24T20:00:00.000000Z","level":"warning","event":"database-trouble","logger":"Mahavishnu.Storage.OperationWorker",
/// "message":"…","trace_id":"32 hex digits","span_id":"16 hex digits"}</c>: always these keys in this order, the last two within a span only.
/// </summary>
internal sealed class JsonLogLine(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "mahavishnu-json";

    // The line goes to a log and not into a page: text in any script stays readable.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("timestamp", time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture));
            json.WriteString("level", Level(logEntry.LogLevel));
            json.WriteString("event", Event(logEntry.EventId));
            json.WriteString("logger", logEntry.Category);
            json.WriteString("message", Message(logEntry));
            if (Activity.Current is { IdFormat: ActivityIdFormat.W3C } span)
            {
                json.WriteString("trace_id", span.TraceId.ToHexString());
                json.WriteString("span_id", span.SpanId.ToHexString());
            }

            json.WriteEndObject();
        }

        textWriter.Write(Encoding.UTF8.GetString(buffer.WrittenSpan));
        textWriter.Write('\n');
    }

    private static string Message<TState>(in LogEntry<TState> entry)
    {
        var text = entry.Formatter(entry.State, entry.Exception);
        return entry.Exception is null ? text : $"{text}\n{entry.Exception}";
    }

    private static string Level(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warning",
        LogLevel.Error => "error",
        _ => "critical",
    };

    /// <summary>The event's name as its readers write it, <c>DatabaseTrouble</c> → <c>database-trouble</c>; libraries that give none have a number.</summary>
    private static string Event(EventId id)
    {
        if (string.IsNullOrEmpty(id.Name))
        {
            return id.Id.ToString(CultureInfo.InvariantCulture);
        }

        var name = new StringBuilder(id.Name.Length + 4);
        for (var i = 0; i < id.Name.Length; i++)
        {
            var letter = id.Name[i];
            if (i > 0 && char.IsUpper(letter) && (!char.IsUpper(id.Name[i - 1]) || (i + 1 < id.Name.Length && char.IsLower(id.Name[i + 1]))))
            {
                name.Append('-');
            }

            name.Append(char.ToLowerInvariant(letter));
        }

        return name.ToString();
    }
}
