using System.Net;
using System.Text.Json.Nodes;

namespace Mahavishnu.Migration.Tests;

public sealed class DatabaseAwayTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_fail_with_503_while_the_database_is_away_and_work_again_without_a_restart()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        await using var cable = new Cable(database.ConnectionString);
        await using var host = await TestHost.StartAsync(cable.ConnectionString, builder => builder.AddMigration(), app => app.MapMigration());
        using var before = await host.Http.GetAsync("/api/v1/schema", Ct);

        cable.Pull();
        for (var i = 0; i < 3; i++)
        {
            // The first meets a connection that broke, the others find nobody to connect to.
            using var away = await host.Http.GetAsync("/api/v1/schema", Ct);
            var problem = JsonNode.Parse(await away.Content.ReadAsStringAsync(Ct))!;
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "database_unavailable"), (away.StatusCode, (string?)problem["code"]));
            Assert.Equal(TimeSpan.FromSeconds(2), away.Headers.RetryAfter!.Delta);
        }

        using var unready = await host.Http.GetAsync("/health/ready", Ct);
        using var unhealthy = await host.Http.GetAsync("/api/v1/health", Ct);
        using var live = await host.Http.GetAsync("/health/live", Ct);
        cable.PlugIn();
        using var after = await host.Http.GetAsync("/api/v1/schema", Ct);

        Assert.Equal(HttpStatusCode.OK, before.StatusCode);
        Assert.Equal(
            [HttpStatusCode.ServiceUnavailable, HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK],
            [unready.StatusCode, unhealthy.StatusCode, live.StatusCode]);
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
        await host.WaitUntilReadyAsync();
        Assert.DoesNotContain(host.Log.Lines, l => l.Level >= Microsoft.Extensions.Logging.LogLevel.Error && l.Category.StartsWith("Mahavishnu.ServiceDefaults", StringComparison.Ordinal));
    }
}
