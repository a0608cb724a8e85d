using System.Text.Json;
using System.Text.RegularExpressions;
using Mahavishnu.Contracts;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>What a collector hears of one write and one search through the door.</summary>
public sealed class TelemetryTests(PostgresFixture postgres)
{
    private const string Caller = "00f067aa0ba902b7";
    private const string Write = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string Question = "5bf92f3577b34da6a3ce929d0e0e4737";
    private const string Secret = "quokkas-never-leave-the-database";
    private const string Asked = "wombats-neither";

    private static readonly string[] Measured =
    [
        "mahavishnu.memories.written", "mahavishnu.embedding.embedded", "mahavishnu.embedding.vectors", "mahavishnu.embedding.duration", "mahavishnu.embedding.queue",
        "mahavishnu.embedding.queue.age", "mahavishnu.search.duration",
    ];

    [Fact]
    public async Task A_write_and_a_search_can_be_followed_from_the_door_to_the_database()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync(poolSize: 3);
        using var roots = new Folder();
        await using var collector = await OtlpReceiver.StartAsync();
        await using var system = Deployments.Make(
            Deployments.Apart, database.ConnectionString, roots,
            [.. collector.Settings, ("Logging__Format", "json"), ("Logging__LogLevel__Default", "Trace"), ("Logging__LogLevel__Microsoft.AspNetCore.Hosting.Diagnostics", "Information")]);
        await system.StartAsync();

        var written = await system.Http.AskAsync(HttpMethod.Post, "/api/v1/memories", Asking.Json(JsonSerializer.Serialize(new { content = Secret, title = Secret })), ("traceparent", $"00-{Write}-{Caller}-01"));
        Assert.Equal(201, written.Status);
        await Eventually.Async(async () => await database.ScalarAsync<long>("SELECT count(*) FROM embedding_queue") == 0, "The embedding");
        var found = await system.Http.AskAsync(HttpMethod.Post, "/api/v1/search", Asking.Json(JsonSerializer.Serialize(new { query = $"{Secret} {Asked}" })), ("traceparent", $"00-{Question}-{Caller}-01"));
        Assert.Equal((200, 1), (found.Status, found.Body.GetProperty("hits").GetArrayLength()));

        await HasChainAsync(collector, Write, Resources.Ingest);
        await HasChainAsync(collector, Question, Resources.Search);
        Assert.Contains(collector.Spans, s => s is { TraceId: Question, Scope: "Mahavishnu.Search", Name: "search" });
        await HasLogsAsync(collector, system, Write, Resources.Ingest);
        await HasLogsAsync(collector, system, Question, Resources.Search);
        await HasMetricsAsync(collector);

        // Looking into an empty queue is no trace.
        Assert.DoesNotContain(collector.Spans, s => s is { ParentId: "", Scope: "Npgsql" or "System.Net.Http" });
        // What people stored and asked is in the database and in the answers, and nowhere else.
        foreach (var text in (string[])[Secret, Asked])
        {
            Assert.False(collector.Holds(text), $"{text} was exported.");
            Assert.DoesNotContain(text, system.Output, StringComparison.Ordinal);
        }
    }

    /// <summary>The caller's span → the gateway's → the service's → the database's.</summary>
    private static async Task HasChainAsync(OtlpReceiver collector, string trace, string service)
    {
        var spans = await Eventually.Async(
            () => Task.FromResult(collector.Spans.Where(s => s.TraceId == trace).DistinctBy(s => s.SpanId).ToDictionary(s => s.SpanId, StringComparer.Ordinal)),
            spans => spans.Values.Any(s => s.Service == Resources.Gateway && s.ParentId == Caller) && spans.Values.Any(s => s.Service == service && s.Scope == "Microsoft.AspNetCore"),
            "The spans of the gateway and the service");

        var statement = spans.Values.First(s => s.Service == service && s.Scope == "Npgsql");
        var way = new List<ReceivedSpan>();
        for (var at = statement; at is not null; at = spans.GetValueOrDefault(at.ParentId))
        {
            way.Add(at);
        }

        Assert.Equal(Caller, way[^1].ParentId);
        Assert.Equal([service, Resources.Gateway], way.Select(s => s.Service).Distinct(StringComparer.Ordinal));
    }

    private static async Task HasLogsAsync(OtlpReceiver collector, MahavishnuSystem system, string trace, string service)
    {
        foreach (var name in (string[])[Resources.Gateway, service])
        {
            await Eventually.Async(() => Task.FromResult(collector.Logs.Any(l => l.TraceId == trace && l.Service == name && l.SpanId.Length == 16)), $"A log record of {name} with the trace");
        }

        var lines = system.Output.Split('\n').Where(l => l.StartsWith('{')).Select(l => JsonElement.Parse(l)).ToList();
        Assert.All(lines, l => Assert.Equal(["timestamp", "level", "event", "logger", "message"], l.EnumerateObject().Select(p => p.Name).Take(5)));
        Assert.True(lines.Count(l => l.TryGetProperty("trace_id", out var id) && id.GetString() == trace) >= 2, system.Output);
    }

    /// <summary>What docs/telemetry.md promises of the libraries, and of our own what a write and a search bring about.</summary>
    private static async Task HasMetricsAsync(OtlpReceiver collector)
    {
        // | `Npgsql` | `db.client.connection.max` | {connection} | ...
        var page = await File.ReadAllTextAsync(Path.Combine(ProgramProcess.Root, "docs", "telemetry.md"), TestContext.Current.CancellationToken);
        var promised = Regex.Matches(page, @"^\| `(?<meter>[^`]+)` \| `(?<name>[^`]+)` \| (?<unit>[^ |]+) \|", RegexOptions.ExplicitCapture | RegexOptions.Multiline | RegexOptions.NonBacktracking)
            .Select(m => (Scope: m.Groups["meter"].Value, Name: m.Groups["name"].Value, Unit: m.Groups["unit"].Value))
            .Where(m => !m.Scope.StartsWith("Mahavishnu.", StringComparison.Ordinal) || Measured.Contains(m.Name))
            .ToHashSet();
        Assert.Superset(Measured.ToHashSet(), promised.Select(p => p.Name).ToHashSet());
        await Eventually.Async(
            () => Task.FromResult(string.Join(", ", promised.Except(collector.Metrics.Select(m => (m.Scope, m.Name, m.Unit))))), missing => missing.Length == 0, "Every promised metric");
    }
}
