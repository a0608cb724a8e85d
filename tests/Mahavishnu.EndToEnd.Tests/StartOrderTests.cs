using Mahavishnu.Contracts;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>Whoever comes first waits for the others, and says what for.</summary>
public sealed class StartOrderTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_service_and_the_schemas_job_that_start_before_the_database_wait_for_it_visibly()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync(poolSize: 2);
        await using var cable = new Cable(database.ConnectionString);
        cable.Pull();
        await using var service = Start("services/Ingest/Mahavishnu.Ingest.Service", "Mahavishnu.Ingest.Service", cable);
        const string Listening = "Now listening on: ";
        var url = await service.LineAsync(line => line.IndexOf(Listening, StringComparison.Ordinal) is var at and >= 0 ? line[(at + Listening.Length)..].Trim() : null, "The start of the service");
        using var http = new HttpClient { BaseAddress = new Uri(url) };

        var waiting = await Eventually.Async(() => http.AskAsync(HttpMethod.Get, "/health/ready"), a => a.Text.Contains("does not answer", StringComparison.Ordinal), "The word that the database is away");
        var live = await http.AskAsync(HttpMethod.Get, "/health/live");
        await service.LineAsync(line => line.Contains("Not ready: The database Host=", StringComparison.Ordinal) ? line : null, "The line in the log");
        await using var job = Start("services/Migration/Mahavishnu.Migration.Service", "Mahavishnu.Migration.Service", cable, "--migrate");
        cable.PlugIn();

        Assert.Equal((503, 200), (waiting.Status, live.Status));
        Assert.True(await job.ExitCodeAsync() == 0, job.Output);
        await Eventually.Async(() => http.AskAsync(HttpMethod.Get, "/health/ready"), a => a.Status == 200, "Readiness", TimeSpan.FromMinutes(1));
        var stored = await new MemoriesClient(http).AddAsync(new NewMemory { Content = "The tanpura was there before the sitar." }, Ct);
        Assert.Equal(1, await database.ScalarAsync<long>("SELECT count(*) FROM memories WHERE id = $1", stored.Id));
    }

    private static ProgramProcess Start(string project, string assembly, Cable cable, params string[] arguments) => ProgramProcess.Start(project, assembly, arguments, new Dictionary<string, string?>(StringComparer.Ordinal)
    {
        [$"ConnectionStrings__{Resources.Database}"] = cable.ConnectionString,
        ["urls"] = "http://127.0.0.1:0",
        ["Embedding__Provider"] = EmbeddingProviders.Builtin,
        ["Logging__Format"] = "text",
    });
}
