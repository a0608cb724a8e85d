using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Mahavishnu.ServiceDefaults;
using Npgsql;

namespace Mahavishnu.Storage.Tests;

/// <summary>What a server says about its database, from the first moment on: <c>/health/ready</c> and <c>/api/v1/health</c>.</summary>
public sealed class DatabaseStartupTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_ready_server_says_which_database_it_uses_without_the_password()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        await using var host = await TestHost.StartAsync(database.ConnectionString, _ => { }, _ => { });
        var password = new NpgsqlConnectionStringBuilder(database.ConnectionString).Password!;

        var ready = await host.Http.GetFromJsonAsync<JsonElement>("/health/ready", Ct);

        Assert.True(ready.GetProperty("ready").GetBoolean());
        var check = ready.GetProperty("checks").GetProperty("postgresql");
        Assert.Contains("Database=" + new NpgsqlConnectionStringBuilder(database.ConnectionString).Database, check.GetProperty("database").GetString(), StringComparison.Ordinal);
        Assert.Contains("Password=***", check.GetProperty("database").GetString(), StringComparison.Ordinal);
        Assert.Equal(SchemaStore.ProgramVersion, check.GetProperty("schemaVersion").GetInt32());
        Assert.NotEmpty(check.GetProperty("pgvector").GetString()!);
        Assert.NotEmpty(check.GetProperty("serverVersion").GetString()!);
        Assert.DoesNotContain(password, ready.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain(host.Log.Lines, l => l.Text.Contains(password, StringComparison.Ordinal));
        Assert.Contains(host.Log.Lines, l => l.Text.StartsWith("Using the database Host=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_an_embedding_space_the_health_is_degraded_but_ready()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await using var host = await TestHost.StartAsync(stores.Database.ConnectionString, _ => { }, _ => { });

        var component = await ComponentAsync(host, "embedding");
        Assert.Equal(("healthy", "test"), (component.GetProperty("status").GetString(), component.GetProperty("metadata").GetProperty("model").GetString()));

        await stores.Database.ExecuteAsync("DELETE FROM embedding_spaces");
        Assert.Equal("degraded", (await ComponentAsync(host, "embedding")).GetProperty("status").GetString());
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(host, HealthRoutes.Ready));
    }

    [Fact]
    public async Task A_schema_that_falls_behind_or_runs_ahead_ends_readiness_and_is_named_with_both_versions()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        await using var host = await TestHost.StartAsync(database.ConnectionString, _ => { }, _ => { });
        var known = SchemaStore.ProgramVersion;

        var current = await ComponentAsync(host, "migration");
        await database.ExecuteAsync("DELETE FROM schema_versions WHERE number = $1", known);
        var behind = (Ready: await StatusAsync(host, HealthRoutes.Ready), Part: await ComponentAsync(host, "migration"), Database: await ComponentAsync(host, "postgresql"));
        await database.ExecuteAsync("INSERT INTO schema_versions (number, name, checksum) SELECT n, 'later', '' FROM generate_series($1, $1 + 1) AS n", known);
        var ahead = (Ready: await StatusAsync(host, HealthRoutes.Ready), Part: await ComponentAsync(host, "migration"));

        Assert.Equal(("healthy", known, known), Versions(current));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, ("unhealthy", known - 1, known)), (behind.Ready, Versions(behind.Part)));
        Assert.Contains("db migrate", behind.Part.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("healthy", behind.Database.GetProperty("status").GetString());
        Assert.Equal((HttpStatusCode.ServiceUnavailable, ("unhealthy", known + 1, known)), (ahead.Ready, Versions(ahead.Part)));
    }

    [Fact]
    public async Task A_server_whose_schema_is_missing_says_so_and_is_ready_once_it_is_there()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        await using var host = await TestHost.StartUnreadyAsync(database.ConnectionString, _ => { }, _ => { });

        await Eventually.Async(
            async () => await (await host.Http.GetAsync(HealthRoutes.Ready, Ct)).Content.ReadAsStringAsync(Ct),
            body => body.Contains("The schema is at version 0", StringComparison.Ordinal) && body.Contains("db migrate", StringComparison.Ordinal),
            "The complaint about the schema");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(host, HealthRoutes.Ready));

        await new SchemaStore(database.DataSource).UpgradeAsync(Ct);
        await host.WaitUntilReadyAsync();
    }

    [Fact]
    public async Task A_server_whose_database_is_away_waits_for_it()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        var name = new NpgsqlConnectionStringBuilder(database.ConnectionString).Database!;
        var later = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Database = name + "_later" };
        await using var host = await TestHost.StartUnreadyAsync(later.ConnectionString, _ => { }, _ => { });

        await Eventually.Async(
            async () => await (await host.Http.GetAsync(HealthRoutes.Ready, Ct)).Content.ReadAsStringAsync(Ct),
            body => body.Contains("does not answer", StringComparison.Ordinal),
            "The complaint about the database");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(host, "/api/v1/health"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(host, HealthRoutes.Live));
    }

    [Fact]
    public async Task A_pool_larger_than_the_server_admits_is_refused_by_name()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        await using var host = await TestHost.StartUnreadyAsync(database.ConnectionString, _ => { }, _ => { }, ("Database:MaxPoolSize", "9999"));

        await Eventually.Async(
            async () => await (await host.Http.GetAsync(HealthRoutes.Ready, Ct)).Content.ReadAsStringAsync(Ct),
            body => body.Contains("Database:MaxPoolSize is 9999", StringComparison.Ordinal),
            "The complaint about the pool");
    }

    [Theory]
    [InlineData("Database:MaxPoolSize", "many", "Database:MaxPoolSize")]
    [InlineData("Database:IdleLifetimeSeconds", "0", "IdleLifetimeSeconds")]
    [InlineData("MAHAVISHNU_PG_HOST", "elsewhere", "MAHAVISHNU_PG_HOST")]
    public async Task A_bad_setting_stops_the_start_and_names_the_key(string key, string value, string named)
    {
        var failure = await Assert.ThrowsAnyAsync<Exception>(() => TestHost.StartUnreadyAsync("Host=127.0.0.1;Port=1;Username=u;Database=d", _ => { }, _ => { }, (key, value)));

        Assert.Contains(StartupErrors.Describe(failure)!, line => line.Contains(named, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(PoolShare.All, 1, 50)]
    [InlineData(PoolShare.Ingest, 1, 20)]
    [InlineData(PoolShare.Search, 2, 10)]
    [InlineData(PoolShare.Migration, 100, 2)]
    public async Task A_service_takes_its_share_of_the_connections(int share, int replicas, int most)
    {
        var builder = Microsoft.AspNetCore.Builder.WebApplication.CreateBuilder();
        builder.Configuration["ConnectionStrings:mahavishnu"] = "Host=127.0.0.1;Port=1;Username=u;Database=d";
        builder.Configuration["Database:Replicas"] = replicas.ToString(System.Globalization.CultureInfo.InvariantCulture);
        builder.AddMahavishnuDatabase(share);
        await using var app = builder.Build();

        var source = (NpgsqlDataSource)app.Services.GetService(typeof(NpgsqlDataSource))!;

        var pool = new NpgsqlConnectionStringBuilder(source.ConnectionString);
        Assert.Equal((most, Math.Min(5, most)), (pool.MaxPoolSize, pool.MinPoolSize));
    }

    private static (string? Status, int Applied, int Known) Versions(JsonElement component) =>
        (component.GetProperty("status").GetString(), component.GetProperty("metadata").GetProperty("applied").GetInt32(), component.GetProperty("metadata").GetProperty("known").GetInt32());

    private static async Task<HttpStatusCode> StatusAsync(TestHost host, string path)
    {
        using var answer = await host.Http.GetAsync(path, Ct);
        return answer.StatusCode;
    }

    private static async Task<JsonElement> ComponentAsync(TestHost host, string name)
    {
        using var answer = await host.Http.GetAsync("/api/v1/health", Ct);
        var document = await answer.Content.ReadFromJsonAsync<JsonElement>(Ct);
        return document.GetProperty("components").EnumerateArray().Single(c => c.GetProperty("name").GetString() == name);
    }
}
