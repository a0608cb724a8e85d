using System.Diagnostics;
using System.Text.Json;
using Mahavishnu.Contracts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace Mahavishnu.ServiceDefaults.Tests;

public sealed class LogFormatTests
{
    private static readonly string[] Keys = ["timestamp", "level", "event", "logger", "message"];

    private static (string Text, JsonElement Line) Write(LogLevel level, EventId id, string message, Exception? exception = null)
    {
        using var text = new StringWriter();
        new JsonLogLine(TimeProvider.System).Write(new LogEntry<string>(level, "My.Logger", id, message, exception, (state, _) => state), null, text);
        return (text.ToString(), JsonElement.Parse(text.ToString()));
    }

    private static string FormatterOf(params (string Key, string? Value)[] settings)
    {
        using var app = TestServer.Build(_ => { }, builder => builder.Logging.AddSimpleConsole(), settings);
        return app.Services.GetRequiredService<IOptions<ConsoleLoggerOptions>>().Value.FormatterName ?? "simple";
    }

    [Fact]
    public void A_line_outside_a_span_has_five_keys_in_their_order()
    {
        Activity.Current = null;

        var (text, line) = Write(LogLevel.Warning, new EventId(7, "DatabaseTrouble"), "Grüße 你好 \"quoted\"\nsecond line");

        Assert.Equal(Keys, line.EnumerateObject().Select(p => p.Name));
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$", line.GetProperty("timestamp").GetString());
        Assert.Equal(
            ("warning", "database-trouble", "My.Logger", "Grüße 你好 \"quoted\"\nsecond line"),
            (line.GetProperty("level").GetString(), line.GetProperty("event").GetString(), line.GetProperty("logger").GetString(), line.GetProperty("message").GetString()));
        Assert.Contains("Grüße 你好", text, StringComparison.Ordinal);
        Assert.Equal(text.Length - 1, text.IndexOf('\n', StringComparison.Ordinal));
    }

    [Fact]
    public void Within_a_span_its_ids_follow()
    {
        using var span = new Activity("work").SetIdFormat(ActivityIdFormat.W3C).Start();

        var (_, line) = Write(LogLevel.Information, default, "done");

        Assert.Equal([.. Keys, "trace_id", "span_id"], line.EnumerateObject().Select(p => p.Name));
        Assert.Matches("^[0-9a-f]{32}$", line.GetProperty("trace_id").GetString());
        Assert.Matches("^[0-9a-f]{16}$", line.GetProperty("span_id").GetString());
        Assert.Equal((span.TraceId.ToHexString(), span.SpanId.ToHexString()), (line.GetProperty("trace_id").GetString(), line.GetProperty("span_id").GetString()));
    }

    [Fact]
    public void An_exception_is_part_of_the_message()
    {
        var (_, line) = Write(LogLevel.Error, default, "It failed", new IOException("disk"));

        Assert.Equal("It failed\nSystem.IO.IOException: disk", line.GetProperty("message").GetString());
    }

    [Theory]
    [InlineData(LogLevel.Trace, "trace")]
    [InlineData(LogLevel.Debug, "debug")]
    [InlineData(LogLevel.Information, "info")]
    [InlineData(LogLevel.Critical, "critical")]
    public void Levels_have_the_names_of_structlog(LogLevel level, string name) =>
        Assert.Equal(name, Write(level, default, "").Line.GetProperty("level").GetString());

    [Theory]
    [InlineData("Waiting", "waiting")]
    [InlineData("HTTPRequestIn", "http-request-in")]
    [InlineData(null, "3")]
    public void An_event_has_its_name_or_its_number(string? name, string written) =>
        Assert.Equal(written, Write(LogLevel.Debug, new EventId(3, name), "").Line.GetProperty("event").GetString());

    [Fact]
    public void The_format_is_a_setting()
    {
        Assert.Equal(JsonLogLine.FormatterName, FormatterOf(("Logging:Format", "json")));
        Assert.Equal("simple", FormatterOf(("Logging:Format", "text")));
        Assert.Contains("Logging:Format: 'xml' is not one of json, text.", Assert.Throws<SettingsException>(() => FormatterOf(("Logging:Format", "xml"))).Message, StringComparison.Ordinal);
    }
}
