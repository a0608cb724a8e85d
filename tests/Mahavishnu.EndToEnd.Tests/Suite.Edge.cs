using System.Text.Json;
using System.Text.RegularExpressions;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Npgsql;

namespace Mahavishnu.EndToEnd.Tests;

public abstract partial class Suite
{
    // wire.md's routes of today. A route that is added is added here.
    private static readonly string[] Routes =
    [
        "DELETE /api/v1/conversations/{sessionId}",
        "DELETE /api/v1/dependencies/{id}",
        "DELETE /api/v1/embeddings/{id}",
        "DELETE /api/v1/evals/pins/{id}",
        "DELETE /api/v1/insights/{id}/shares/{shareId}",
        "DELETE /api/v1/memories/{id}",
        "DELETE /api/v1/project-groups/{id}",
        "DELETE /api/v1/project-groups/{id}/members/{projectId}",
        "DELETE /api/v1/projects/{id}",
        "DELETE /api/v1/repositories/{repoId}",
        "DELETE /api/v1/session-links/{id}",
        "GET /api/v1/conversations",
        "GET /api/v1/conversations/{sessionId}",
        "GET /api/v1/conversations/{sessionId}/messages",
        "GET /api/v1/dependencies",
        "GET /api/v1/dependencies/{id}",
        "GET /api/v1/embeddings",
        "GET /api/v1/embeddings/dead-letters",
        "GET /api/v1/embeddings/{id}",
        "GET /api/v1/evals/pins",
        "GET /api/v1/health",
        "GET /api/v1/imports",
        "GET /api/v1/imports/{id}",
        "GET /api/v1/imports/{id}/rejects",
        "GET /api/v1/insights",
        "GET /api/v1/insights/{id}",
        "GET /api/v1/insights/{id}/shares",
        "GET /api/v1/insights:status",
        "GET /api/v1/memories",
        "GET /api/v1/memories/{id}",
        "GET /api/v1/memories/{id}/history",
        "GET /api/v1/operations",
        "GET /api/v1/operations/{id}",
        "GET /api/v1/operations/{id}/events",
        "GET /api/v1/project-groups",
        "GET /api/v1/project-groups/{id}",
        "GET /api/v1/projects",
        "GET /api/v1/projects/{id}",
        "GET /api/v1/projects/{id}/overview",
        "GET /api/v1/repositories",
        "GET /api/v1/repositories/{repoId}",
        "GET /api/v1/schema",
        "GET /api/v1/session-links",
        "GET /api/v1/session-links/{id}",
        "GET /api/v1/workflows",
        "GET /api/v1/workflows/{id}",
        "PATCH /api/v1/memories/{id}",
        "POST /api/v1/conversations/{sessionId}/messages",
        "POST /api/v1/conversations/{sessionId}:restore",
        "POST /api/v1/dependencies",
        "POST /api/v1/embeddings",
        "POST /api/v1/embeddings/dead-letters:retry",
        "POST /api/v1/embeddings/{id}:activate",
        "POST /api/v1/embeddings/{id}:compare",
        "POST /api/v1/embeddings/{id}:index",
        "POST /api/v1/evals/pins",
        "POST /api/v1/evals:run",
        "POST /api/v1/imports",
        "POST /api/v1/imports/{id}:undo",
        "POST /api/v1/insights",
        "POST /api/v1/insights/{id}:share",
        "POST /api/v1/insights:extract",
        "POST /api/v1/insights:preview",
        "POST /api/v1/memories",
        "POST /api/v1/memories/{id}:erase",
        "POST /api/v1/memories/{id}:restore",
        "POST /api/v1/memories/{id}:supersede",
        "POST /api/v1/memories/{id}:unsupersede",
        "POST /api/v1/memories:batch",
        "POST /api/v1/operations/{id}:cancel",
        "POST /api/v1/operations/{id}:retry",
        "POST /api/v1/repositories",
        "POST /api/v1/search",
        "POST /api/v1/search/projects",
        "POST /api/v1/search/unified",
        "POST /api/v1/session-links",
        "POST /api/v1/workflows",
        "POST /api/v1/workflows/recall",
        "POST /api/v1/workflows/{id}:cancel",
        "POST /api/v1/workflows/{id}:fail",
        "POST /api/v1/workflows/{id}:finish",
        "POST /api/v1/workflows/{id}:start",
        "PUT /api/v1/project-groups/{id}",
        "PUT /api/v1/project-groups/{id}/members/{projectId}",
        "PUT /api/v1/projects/{id}",
    ];

    [Theory]
    [InlineData("Host", "evil.example", 403)]
    [InlineData("Host", "127.0.0.1.evil.example", 403)]
    [InlineData("Host", "localhost:8686", 200)]
    [InlineData("Origin", "https://evil.example", 403)]
    [InlineData("Origin", "http://127.0.0.1.evil.example", 403)]
    [InlineData("Origin", "null", 403)]
    [InlineData("Origin", "http://localhost:3000", 200)]
    public async Task A_page_or_a_name_from_elsewhere_is_refused(string header, string value, int status)
    {
        foreach (var path in (string[])["/api/v1/memories", "/api/v1/schema", "/openapi/v1.json", HealthRoutes.Ready])
        {
            var answer = await System.Http.AskAsync(HttpMethod.Get, path, null, (header, value));
            Assert.True(status == answer.Status, $"{path}: {answer.Status} {answer.Text}");
            if (status != 200)
            {
                AssertProblem(answer, status, ErrorCodes.ForbiddenOrigin);
            }
        }
    }

    [Fact]
    public async Task With_a_key_everything_but_the_two_probes_needs_it()
    {
        const string Key = "a-key-for-the-tests-0123456789";
        await using var database = await running.CreateDatabaseAsync();
        await using var system = running.Another(database, ("Auth__ApiKey", Key));
        await system.StartAsync();
        using var stranger = new HttpClient { BaseAddress = system.Url };

        string[] pages = ["GET /openapi/v1.json", "GET /scalar"];
        foreach (var route in pages.Concat(Routes))
        {
            var (method, path) = (new HttpMethod(route.Split(' ')[0]), route.Split(' ')[1].Replace("{id}", SomeId, StringComparison.Ordinal).Replace("{repoId}", "r", StringComparison.Ordinal).Replace("{sessionId}", "s", StringComparison.Ordinal));
            foreach (var authorization in (string?[])[null, "Bearer wrong", $"Basic {Key}", $"Bearer {Key}x"])
            {
                var answer = await stranger.AskAsync(method, path, null, authorization is null ? [] : [("Authorization", authorization)]);
                AssertProblem(answer, 401, ErrorCodes.Unauthorized);
                Assert.StartsWith("Bearer", answer.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
            }
        }

        Assert.Equal(200, (await stranger.AskAsync(HttpMethod.Get, HealthRoutes.Live)).Status);
        Assert.Equal(200, (await stranger.AskAsync(HttpMethod.Get, HealthRoutes.Ready)).Status);

        // With it everything works, through the door and behind it.
        var stored = await system.Memories.AddAsync(new NewMemory { Content = "Behind a key" }, Ct);
        Assert.Equal(stored.Id, Assert.Single((await system.Search.SearchAsync(new SearchRequest { Query = "key", Mode = SearchModes.Text }, Ct)).Hits).Id);
        Assert.Equal(SchemaStore.ProgramVersion, (await system.Admin.SchemaAsync(Ct)).Version);
        Assert.Equal(200, (await system.Http.AskAsync(HttpMethod.Get, "/scalar/")).Status);
        Assert.Equal("healthy", (await system.Http.AskAsync(HttpMethod.Get, "/api/v1/health")).Body.GetProperty("status").GetString());
        Assert.DoesNotContain(Key, system.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stop_is_graceful()
    {
        await using var database = await running.CreateDatabaseAsync();
        await using var system = running.Another(database);
        await system.StartAsync();
        await system.Memories.AddAsync(new NewMemory { Content = "Before the stop" }, Ct);

        Assert.All(await system.StopAsync(), code => Assert.Equal(0, code));
    }

    [Fact]
    public async Task Readiness_says_which_database_with_what_schema_and_no_password()
    {
        var answer = await System.Http.AskAsync(HttpMethod.Get, HealthRoutes.Ready);
        var live = await System.Http.AskAsync(HttpMethod.Get, HealthRoutes.Live);

        Assert.True(answer.Body.GetProperty("ready").GetBoolean());
        var database = answer.Body.GetProperty("checks").GetProperty("postgresql");
        var connection = new NpgsqlConnectionStringBuilder(running.Database.ConnectionString);
        Assert.Contains(connection.Database!, database.GetProperty("database").GetString(), StringComparison.Ordinal);
        Assert.Contains(connection.Host!, database.GetProperty("database").GetString(), StringComparison.Ordinal);
        Assert.Equal(SchemaStore.ProgramVersion, database.GetProperty("schemaVersion").GetInt32());
        Assert.Equal(200, live.Status);
        foreach (var text in (string[])[answer.Text, live.Text, System.Output])
        {
            Assert.DoesNotContain(connection.Password is { Length: > 0 } password ? password : "Password=", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_health_document_names_every_component()
    {
        var answer = await System.Http.AskAsync(HttpMethod.Get, "/api/v1/health");

        Assert.Equal(200, answer.Status);
        Assert.Equal(["status", "timestamp", "version", "uptime_seconds", "components"], answer.Body.EnumerateObject().Select(p => p.Name));
        Assert.Equal((ProgramVersion.Current, true), (answer.Body.GetProperty("version").GetString(), answer.Body.GetProperty("uptime_seconds").GetDouble() > 0));
        var components = answer.Body.GetProperty("components").EnumerateArray().ToDictionary(c => c.GetProperty("name").GetString()!, c => c.GetProperty("status").GetString());
        Assert.Equal("healthy", components["postgresql"]);
        Assert.Superset(new HashSet<string> { "postgresql", "embedding", "queue", "migration", "session_buddy" }, components.Keys.ToHashSet(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_description_has_every_route()
    {
        var document = await DescriptionAsync();

        Assert.Equal(Routes, Described(document).Order(StringComparer.Ordinal));
        Assert.Equal(ProgramVersion.Current, document.GetProperty("info").GetProperty("version").GetString());
        // No reference into the void: a document that is merged of several has to bring along what it names.
        foreach (var reference in Regex.Matches(document.GetRawText(), "\"#/components/schemas/([^\"]+)\"", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking).Select(m => m.Value[22..^1]))
        {
            Assert.True(document.GetProperty("components").GetProperty("schemas").TryGetProperty(reference, out _), reference);
        }
    }

    [Fact]
    public async Task The_page_that_shows_the_routes_answers_from_this_server_alone()
    {
        var page = await System.Http.AskAsync(HttpMethod.Get, "/scalar/");

        Assert.Equal((200, "text/html"), (page.Status, page.ContentHeaders.ContentType?.MediaType));
        var scripts = Regex.Matches(page.Text, """<script[^>]* src="(?<src>[^"]+)""", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking).Select(m => m.Groups["src"].Value).ToList();
        Assert.NotEmpty(scripts);
        foreach (var script in scripts)
        {
            var address = new Uri(new Uri(System.Url, "/scalar/"), script);
            Assert.Equal(System.Url.Authority, address.Authority);
            Assert.Equal(200, (await System.Http.AskAsync(HttpMethod.Get, address.PathAndQuery)).Status);
        }
    }

    [Fact]
    public async Task The_file_of_requests_tries_every_route_and_no_other()
    {
        // PATCH {{base}}/api/v1/memories/{{list.response.body.items[0].id}}?limit=20
        var tried = (await File.ReadAllLinesAsync(Path.Combine(ProgramProcess.Root, "mahavishnu.http"), Ct))
            .Select(l => Regex.Match(l, @"^(?<method>GET|POST|PATCH|DELETE|PUT) \{\{base\}\}(?<path>[^?\s]+)", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking))
            .Where(m => m.Success)
            .Select(m => $"{m.Groups["method"].Value} {Regex.Replace(m.Groups["path"].Value, @"\{\{[^}]+\}\}|my-project|my-session|my-group", "{}", RegexOptions.NonBacktracking)}")
            .ToHashSet(StringComparer.Ordinal);
        var described = Described(await DescriptionAsync())
            .Select(r => Regex.Replace(r, @"\{[^}]+\}", "{}", RegexOptions.NonBacktracking));

        Assert.Equal(described.Concat([$"GET {HealthRoutes.Live}", $"GET {HealthRoutes.Ready}"]).Order(StringComparer.Ordinal), tried.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Schema_and_embeddings_say_how_things_stand()
    {
        var stored = await Memories.AddAsync(new NewMemory { Content = $"Something to embed {Guid.NewGuid()}" }, Ct);
        await EmbeddedAsync(stored.Id);

        var schema = await System.Admin.SchemaAsync(Ct);
        var embeddings = await System.Admin.EmbeddingsAsync(Ct);

        Assert.Equal((SchemaStore.ProgramVersion, SchemaStore.ProgramVersion), (schema.Version, schema.ProgramVersion));
        Assert.Equal(Enumerable.Range(1, SchemaStore.ProgramVersion), schema.Applied.Select(a => a.Number));
        var space = Assert.Single(embeddings.Spaces, s => s.State == "active");
        Assert.True(space.Vectors > 0, $"{space}");
        Assert.Equal(0, embeddings.Queue.Failed);
        Assert.Empty((await System.Admin.DeadLettersAsync(Ct)).Items);
    }

    /// <summary>The description, once every service had the time to tell its own: the gateway leaves out whoever is too busy to answer.</summary>
    private async Task<JsonElement> DescriptionAsync() => (await Eventually.Async(
        () => System.Http.AskAsync(HttpMethod.Get, "/openapi/v1.json"),
        answer => Resources.Routes.Keys.All(route => Described(answer.Body).Any(d => Resources.RouteOf(d.Split(' ')[1]) == route)),
        "A description of every service",
        TimeSpan.FromSeconds(90))).Body;

    /// <summary>Each route of an OpenAPI document: <c>GET /api/v1/memories/{id}</c>.</summary>
    private static IEnumerable<string> Described(JsonElement document) =>
        document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject()
            .Where(o => o.Name is "get" or "post" or "put" or "patch" or "delete")
            .Select(operation => $"{operation.Name.ToUpperInvariant()} {path.Name}"));
}
