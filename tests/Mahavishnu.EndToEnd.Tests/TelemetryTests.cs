using System.Text.Json;
using System.Text.RegularExpressions;
using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;
using Npgsql;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>What a collector hears of a write, an ingestion and a search through the door, down to the database and to the model.</summary>
public sealed class TelemetryTests(PostgresFixture postgres)
{
    private const string Caller = "00f067aa0ba902b7";
    private const string Write = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string Question = "5bf92f3577b34da6a3ce929d0e0e4737";
    private const string Called = "7bf92f3577b34da6a3ce929d0e0e4739";
    private const string Ingestion = "6bf92f3577b34da6a3ce929d0e0e4738";

    // What people stored, asked and configured. It is in the database and in the answers, and nowhere else.
    private const string Secret = "quokkas-never-leave-the-database";
    private const string Asked = "wombats-neither";
    private const string Chunk = "numbats-stay-in-their-repository";
    private const string Key = "bilbies-open-the-door";
    private const string Connection = "bandicoots-connect";

    private static readonly StandInModel Model = StandInModel.AllMiniLm;

    // Of our own what a write, an ingestion and a search bring about; of the libraries all that the page names.
    private static readonly string[] Measured =
    [
        "memory.store.count", "memory.search.latency", "mahavishnu.embedding.embedded", "mahavishnu.embedding.vectors", "mahavishnu.embedding.duration", "mahavishnu.embedding.queue",
        "mahavishnu.embedding.queue.age", "mahavishnu.ingest.repository.chunks", "mahavishnu.ingest.repository.bytes", "gen_ai.client.operation.duration", "gen_ai.client.token.usage",
    ];

    [Fact]
    public async Task A_write_an_ingestion_and_a_search_can_be_followed_to_the_database_and_to_the_model()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync(poolSize: 3);
        using var roots = new Folder();
        roots.Write("repo/notes.md", $"# Notes\n\n{Chunk}, says the keeper.\n");
        await using var ollama = await OllamaServer.StartNewAsync(Model);
        await using var collector = await OtlpReceiver.StartAsync();
        await using var system = Deployments.Make(
            Deployments.Apart, new NpgsqlConnectionStringBuilder(database.ConnectionString) { ApplicationName = Connection }.ConnectionString, roots,
            [
                .. collector.Settings, .. Ollama.Settings(ollama, Model), ("Auth__ApiKey", Key),
                ("Logging__Format", "json"), ("Logging__LogLevel__Default", "Trace"), ("Logging__LogLevel__Microsoft.AspNetCore.Hosting.Diagnostics", "Information"),
            ]);
        await system.StartAsync();

        await AskAsync(system, 201, "/api/v1/memories", new { content = Secret, title = Secret }, Write);
        var ingestion = (await AskAsync(system, 202, "/api/v1/repositories", new { path = Path.Combine(roots.Path, "repo") }, Ingestion)).Body.Deserialize<Operation>(WireJson.Lenient)!;
        await Eventually.Async(() => system.Operations.GetAsync(ingestion.Id, TestContext.Current.CancellationToken), o => o.State == OperationStates.Completed, "The ingestion");
        await Eventually.Async(async () => await database.ScalarAsync<long>("SELECT count(*) FROM embedding_queue") == 0, "The embedding");
        var found = await AskAsync(system, 200, "/api/v1/search", new { query = $"{Secret} {Asked}" }, Question);
        Assert.Equal(0, found.Body.GetProperty("degraded").GetArrayLength());
        await CallAsync(system);

        await HasChainAsync(collector, Write, Resources.Ingest);
        await HasChainAsync(collector, Ingestion, Resources.Ingest);
        await HasChainAsync(collector, Question, Resources.Search);
        await HasChainAsync(collector, Called, Resources.Search);
        Assert.Contains(collector.Spans, s => s is { TraceId: Question, Scope: "Mahavishnu.Search", Name: "search" });

        // The work that was done later leads back to the requests that asked for it: of the repository's chunks by way of the operation.
        await LinkedAsync(collector, "embed memories", Write);
        var operation = await LinkedAsync(collector, "operation", Ingestion);
        await LinkedAsync(collector, "embed memories", operation.TraceId);
        await ReachesTheModelAsync(collector, ollama, Resources.Search, "search");
        await ReachesTheModelAsync(collector, ollama, Resources.Ingest, "embed memories");

        await HasLogsAsync(collector, system, Write, Resources.Gateway, Resources.Ingest);
        await HasLogsAsync(collector, system, Question, Resources.Gateway, Resources.Search);
        await HasLogsAsync(collector, system, operation.TraceId, Resources.Ingest);
        await HasMetricsAsync(collector);

        // Looking into an empty queue, or for the model, is no trace.
        Assert.DoesNotContain(collector.Spans, s => s is { ParentId: "", Scope: "Npgsql" or "System.Net.Http" });
        foreach (var text in (string[])[Secret, Asked, Chunk, Key, Connection, new NpgsqlConnectionStringBuilder(database.ConnectionString).Password!])
        {
            Assert.False(collector.Holds(text), $"{text} was exported.");
            Assert.DoesNotContain(text, system.Output, StringComparison.Ordinal);
        }
    }

    private static async Task<Answer> AskAsync(MahavishnuSystem system, int status, string path, object body, string trace)
    {
        var answer = await system.Http.AskAsync(HttpMethod.Post, path, Asking.Json(JsonSerializer.Serialize(body)), ("traceparent", $"00-{trace}-{Caller}-01"));
        Assert.True(answer.Status == status, answer.Text);
        return answer;
    }

    /// <summary>A search over MCP; the trace is part of the message.</summary>
    private static async Task CallAsync(MahavishnuSystem system)
    {
        var message = new
        {
            jsonrpc = "2.0",
            id = 1,
            method = "tools/call",
            @params = new { name = "search_memories", arguments = new { query = $"{Secret} {Asked} again" }, _meta = new { traceparent = $"00-{Called}-{Caller}-01" } },
        };
        var answer = await system.Http.AskAsync(
            HttpMethod.Post, Resources.Mcp, Asking.Json(JsonSerializer.Serialize(message)), ("Accept", "application/json, text/event-stream"), ("MCP-Protocol-Version", "2025-11-25"));
        Assert.Equal(200, answer.Status);
        Assert.Contains(Secret, answer.Text, StringComparison.Ordinal);
    }

    /// <summary>The caller's span → the gateway's → the service's → the database's.</summary>
    private static async Task HasChainAsync(OtlpReceiver collector, string trace, string service)
    {
        var spans = await Eventually.Async(
            () => Task.FromResult(collector.Spans.Where(s => s.TraceId == trace).DistinctBy(s => s.SpanId).ToDictionary(s => s.SpanId, StringComparer.Ordinal)),
            spans => spans.Values.Any(s => s.Service == Resources.Gateway && s.ParentId == Caller) && spans.Values.Any(s => s.Service == service && s.Scope == "Microsoft.AspNetCore"),
            "The spans of the gateway and the service");

        var statement = spans.Values.First(s => s.Service == service && s.Scope == "Npgsql");
        var way = Way(spans, statement);
        Assert.Equal(Caller, way[^1].ParentId);
        Assert.Equal([service, Resources.Gateway], way.Select(s => s.Service).Distinct(StringComparer.Ordinal));
    }

    /// <summary>A span of work done later that links to a span of the trace.</summary>
    private static async Task<ReceivedSpan> LinkedAsync(OtlpReceiver collector, string name, string trace)
    {
        var later = await Eventually.Async(
            () => Task.FromResult(collector.Spans.FirstOrDefault(s => s.Name == name && s.Links.Any(l => l.TraceId == trace))), span => span is not null, $"A span '{name}' that links to {trace}");
        await Eventually.Async(
            () => Task.FromResult(collector.Spans.Any(s => s.Service == Resources.Ingest && later!.Links.Contains((s.TraceId, s.SpanId)))), "The span it links to");
        Assert.NotEqual(trace, later!.TraceId);
        return later;
    }

    /// <summary>A call that the model's server got → the HTTP client's span → the call of the model (<c>gen_ai</c>) → the work it was for.</summary>
    private static async Task ReachesTheModelAsync(OtlpReceiver collector, OllamaServer ollama, string service, string work)
    {
        var ways = await Eventually.Async(
            () =>
            {
                var spans = collector.Spans.Where(s => s.Service == service).DistinctBy(s => s.SpanId).ToDictionary(s => s.SpanId, StringComparer.Ordinal);
                // 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
                return Task.FromResult(ollama.Record.Calls
                    .Select(c => c.TraceParent.Split('-') is [_, _, var span, "01"] ? spans.GetValueOrDefault(span) : null)
                    .OfType<ReceivedSpan>()
                    .Select(s => Way(spans, s).Select(w => $"{w.Scope}: {w.Name}").ToList())
                    .Where(w => w.Exists(name => name.EndsWith($": {work}", StringComparison.Ordinal)))
                    .ToList());
            },
            ways => ways.Count > 0,
            $"A call of the model on behalf of '{work}'");

        Assert.All(ways, way => Assert.Equal(["System.Net.Http: POST", $"Mahavishnu.Embeddings: embeddings {Model.Name}"], way.Take(2)));
    }

    private static List<ReceivedSpan> Way(Dictionary<string, ReceivedSpan> spans, ReceivedSpan from)
    {
        var way = new List<ReceivedSpan>();
        for (var at = from; at is not null; at = spans.GetValueOrDefault(at.ParentId))
        {
            way.Add(at);
        }

        return way;
    }

    private static async Task HasLogsAsync(OtlpReceiver collector, MahavishnuSystem system, string trace, params string[] services)
    {
        foreach (var name in services)
        {
            await Eventually.Async(() => Task.FromResult(collector.Logs.Any(l => l.TraceId == trace && l.Service == name && l.SpanId.Length == 16)), $"A log record of {name} with the trace");
        }

        var lines = await Eventually.Async(
            () => Task.FromResult(system.Output.Split('\n').Where(l => l.StartsWith('{') && l.EndsWith('}')).Select(l => JsonElement.Parse(l)).ToList()),
            lines => lines.Count(l => l.TryGetProperty("trace_id", out var id) && id.GetString() == trace) >= services.Length,
            "Log lines with the trace");
        Assert.All(lines, l => Assert.Equal(["timestamp", "level", "event", "logger", "message"], l.EnumerateObject().Select(p => p.Name).Take(5)));
        Assert.All(lines.Where(l => l.TryGetProperty("trace_id", out _)), l => Assert.Matches("^[0-9a-f]{32} [0-9a-f]{16}$", $"{l.GetProperty("trace_id")} {l.GetProperty("span_id")}"));
    }

    /// <summary>What docs/telemetry.md promises, with the name that Prometheus will give it.</summary>
    private static async Task HasMetricsAsync(OtlpReceiver collector)
    {
        // | `Npgsql` | `db.client.connection.max` | {connection} | `db_client_connection_max` | ...
        var page = await File.ReadAllTextAsync(Path.Combine(ProgramProcess.Root, "docs", "telemetry.md"), TestContext.Current.CancellationToken);
        var promised = Regex.Matches(
                page, @"^\| `(?<meter>[^`]+)` \| `(?<name>[^`]+)` \| (?<unit>[^ |]+) \| `(?<prometheus>[^`]+)` \|", RegexOptions.ExplicitCapture | RegexOptions.Multiline | RegexOptions.NonBacktracking)
            .Select(m => (Scope: m.Groups["meter"].Value, Name: m.Groups["name"].Value, Unit: m.Groups["unit"].Value, Prometheus: m.Groups["prometheus"].Value))
            .Where(m => !m.Scope.StartsWith("Mahavishnu.", StringComparison.Ordinal) || Measured.Contains(m.Name))
            .ToHashSet();
        Assert.Superset(Measured.ToHashSet(), promised.Select(p => p.Name).ToHashSet());
        await Eventually.Async(
            () => Task.FromResult(string.Join(", ", promised.Except(
                collector.Metrics.Where(m => promised.Any(p => p.Name == m.Name)).Select(m => (m.Scope, m.Name, m.Unit, PrometheusName.Of(m.Name, m.Unit, m.Kind)))))),
            missing => missing.Length == 0,
            "Every promised metric");
    }
}
