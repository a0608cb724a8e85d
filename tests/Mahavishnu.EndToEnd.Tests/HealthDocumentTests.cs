using System.Text.RegularExpressions;
using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>The health document as it goes over the wire, byte for byte but for what differs from run to run, in every situation that matters.</summary>
public sealed partial class HealthDocumentTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Deployments.Together, "up")]
    [InlineData(Deployments.Apart, "services")]
    public async Task It_is_as_approved_when_all_is_well_without_the_model_without_the_database_and_without_a_service(string deployment, string files)
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync(poolSize: 2);
        await using var cable = new Cable(database.ConnectionString);
        using var roots = new Folder();
        await using var ollama = await OllamaServer.StartNewAsync(StandInModel.AllMiniLm);
        await using var system = Deployments.Make(deployment, cable.ConnectionString, roots, Ollama.Settings(ollama, StandInModel.AllMiniLm));
        await system.StartAsync();
        // Both sides know the model by use, not only by its name in the settings.
        var memory = await system.Memories.AddAsync(new NewMemory { Content = "The sarod has no frets." }, Ct);
        await Eventually.Async(() => system.Memories.GetAsync(memory.Id, Ct), m => m.Embedding == EmbeddingStates.Ready, "The embedding", TimeSpan.FromMinutes(1));
        Assert.Empty((await system.Search.SearchAsync(new SearchRequest { Query = "which instrument lacks frets" }, Ct)).Degraded);

        Approve(await SettledAsync(system, all => all.Values.All(s => s == "healthy")), 200, files, "all-well");

        await ollama.StopAsync();
        Approve(await SettledAsync(system, all => all["embedding-model"] == "degraded" && IsEachService(all, "degraded", Resources.Ingest, Resources.Search)), 200, files, "ollama-down");
        Assert.Equal(200, (await system.Http.AskAsync(HttpMethod.Get, HealthRoutes.Ready)).Status);
        await ollama.StartAsync();
        await SettledAsync(system, all => all.Values.All(s => s == "healthy"));

        cable.Pull();
        Approve(
            await SettledAsync(system, all => all["postgresql"] == "unhealthy" && all["embedding-worker"] == "degraded" && IsEachService(all, "unhealthy", [.. Resources.Routes.Values])),
            503, files, "database-down");
        Assert.Equal(503, (await system.Http.AskAsync(HttpMethod.Get, HealthRoutes.Ready)).Status);
        Assert.Equal(200, (await system.Http.AskAsync(HttpMethod.Get, HealthRoutes.Live)).Status);
        cable.PlugIn();
        await SettledAsync(system, all => all.Values.All(s => s == "healthy"));

        if (deployment == Deployments.Apart)
        {
            await system.KillAsync();
            Approve(await SettledAsync(system, all => all[Resources.Ingest] == "unhealthy"), 503, files, "ingest-down");
        }
    }

    /// <summary>Of the services that are components; in one process there are none.</summary>
    private static bool IsEachService(Dictionary<string, string?> all, string status, params string[] services) =>
        !all.ContainsKey(Resources.Ingest) || services.All(s => all[s] == status);

    /// <summary>The first answer whose components are so: checks look at their parts in their own time.</summary>
    private static Task<Answer> SettledAsync(MahavishnuSystem system, Predicate<Dictionary<string, string?>> settled) => Eventually.Async(
        () => system.Http.AskAsync(HttpMethod.Get, $"{Resources.Api}/health"),
        answer => settled(answer.Body.GetProperty("components").EnumerateArray().ToDictionary(c => c.GetProperty("name").GetString()!, c => c.GetProperty("status").GetString(), StringComparer.Ordinal)),
        "The health that was to be",
        TimeSpan.FromMinutes(1));

    private static void Approve(Answer answer, int status, string files, string situation)
    {
        Assert.Equal(status, answer.Status);
        Approved.Equal(Normalised(answer.Text), $"Health/{files}-{situation}.json");
    }

    /// <summary>A line for each component. Only what has exactly its form is replaced: a number without its fraction or a time with another precision stays, and differs.</summary>
    private static string Normalised(string document)
    {
        document = Timestamp().Replace(document, "\"timestamp\":\"2026-01-31T12:00:00.000000+00:00\"");
        document = Number().Replace(document, "${key}:0.0");
        document = document.Replace($"\"version\":\"{ProgramVersion.Current}\"", "\"version\":\"0.0.0\"", StringComparison.Ordinal);
        // Both versions of the schema, as they are now; the next migration is no reason to approve again.
        document = Regex.Replace(document, $"\"(?<key>known|applied|schemaVersion)\":{SchemaStore.ProgramVersion}\\b", "\"${key}\":0", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking);
        document = Server().Replace(document, "\"${key}\":\"0\"");
        document = Database().Replace(document, "Host=HOST;Port=0;Database=mahavishnu;Username=USER");
        document = Address().Replace(document, "127.0.0.1:0");
        document = Reason().Replace(document, "${what} (why)\"");
        return document.Replace("{\"name\":", "\n{\"name\":", StringComparison.Ordinal) + "\n";
    }

    [GeneratedRegex(@"""timestamp"":""\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00""", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Timestamp();

    [GeneratedRegex(@"(?<key>""(uptime_seconds|latency_ms)""):\d+\.\d{1,2}\b", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Number();

    [GeneratedRegex(@"""(?<key>serverVersion|pgvector)"":""[^""]+""", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Server();

    [GeneratedRegex(@"Host=127\.0\.0\.1;Port=\d+;Database=mahavishnu_test_\w+;Username=\w+(;Password=\*\*\*)?", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Database();

    [GeneratedRegex(@"127\.0\.0\.1:\d+", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Address();

    // What the driver and the model's client say of a connection depends on the moment.
    [GeneratedRegex(@"(?<what>The database does not answer:|Embedding waits for the database:|OLLAMA_BASE_URL http://127\.0\.0\.1:0) [^""]+""", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Reason();
}
