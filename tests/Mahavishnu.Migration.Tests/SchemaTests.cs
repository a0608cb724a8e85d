using System.Net;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;

namespace Mahavishnu.Migration.Tests;

public sealed class SchemaTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static void Add(WebApplicationBuilder builder) => builder.AddMigration();

    private static void Map(WebApplication app) => app.MapMigration();

    [Fact]
    public async Task The_schema_route_lists_what_was_applied()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        await using var host = await TestHost.StartAsync(database.ConnectionString, Add, Map);

        var schema = await host.Admin.SchemaAsync(Ct);

        Assert.Equal((SchemaStore.ProgramVersion, SchemaStore.ProgramVersion), (schema.Version, schema.ProgramVersion));
        Assert.Equal(SchemaStore.Migrations.Select(m => (m.Number, m.Name, m.Checksum)), schema.Applied.Select(a => (a.Number, a.Name, a.Checksum)));
        Assert.All(schema.Applied, a => Assert.Equal(TimeSpan.Zero, a.AppliedAt.Offset));
    }

    [Fact]
    public async Task An_empty_database_is_version_0_and_not_ready()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        await using var host = await TestHost.StartUnreadyAsync(database.ConnectionString, Add, Map);

        var schema = await host.Admin.SchemaAsync(Ct);
        using var ready = await host.Http.GetAsync("/health/ready", Ct);

        Assert.Equal((0, SchemaStore.ProgramVersion, 0), (schema.Version, schema.ProgramVersion, schema.Applied.Count));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
    }

    [Fact]
    public async Task A_service_becomes_ready_when_another_process_has_upgraded_the_schema()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        await using var host = await TestHost.StartUnreadyAsync(database.ConnectionString, Add, Map);

        var job = await Exe.RunAsync(database.ConnectionString, "--migrate");

        Assert.Equal((0, ""), (job.ExitCode, job.Errors));
        await host.WaitUntilReadyAsync();
    }

    [Fact]
    public async Task The_job_says_what_it_applied_and_has_nothing_to_do_twice()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();

        var first = await Exe.RunAsync(database.ConnectionString, "--migrate");
        var second = await Exe.RunAsync(database.ConnectionString, "--migrate", "--Logging:LogLevel:Default=Warning");

        Assert.Equal((0, 0), (first.ExitCode, second.ExitCode));
        Assert.All(SchemaStore.Migrations, m => Assert.Contains($"applied {m.Number:0000} {m.Name}", first.Output, StringComparison.Ordinal));
        Assert.DoesNotContain("applied", second.Output, StringComparison.Ordinal);
        Assert.Equal(SchemaStore.Migrations.Count, await database.ScalarAsync<long>("SELECT count(*) FROM schema_versions"));
        Assert.DoesNotContain("Password=", first.Output.Replace("Password=***", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_job_refuses_a_newer_schema_in_one_line()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        await database.ExecuteAsync("INSERT INTO schema_versions (number, name, checksum) VALUES (9999, 'future', 'x')");

        var job = await Exe.RunAsync(database.ConnectionString, "--migrate");

        Assert.Equal(1, job.ExitCode);
        Assert.Contains("9999", Assert.Single(job.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Host=127.0.0.1;Port=1;Username=x;Password=hunter2;Database=d", "could not be upgraded")]
    [InlineData("Host=127.0.0.1;Prot=1", "ConnectionStrings:mahavishnu")]
    [InlineData("", "ConnectionStrings:mahavishnu is missing")]
    public async Task The_job_ends_with_1_and_one_line_when_there_is_no_database(string connectionString, string says)
    {
        var job = await Exe.RunAsync(connectionString, "--migrate", "--Migration:WaitSeconds=0");

        Assert.Equal(1, job.ExitCode);
        Assert.Contains(says, Assert.Single(job.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", job.Output + job.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Auth:ApiKey is not set", "--urls=http://0.0.0.0:0")]
    [InlineData("Migration:WaitSeconds (command line): '-1' is not a whole number from 0 to 3600.", "--Migration:WaitSeconds=-1")]
    [InlineData("Database:MaxPoolSize", "--Database:MaxPoolSize=lots")]
    [InlineData("MAHAVISHNU_PG_PORT", "--MAHAVISHNU_PG_PORT=x")]
    public async Task The_service_ends_with_1_and_names_the_key_of_a_bad_setting(string says, string argument)
    {
        var service = await Exe.RunAsync(argument.Contains("PG_", StringComparison.Ordinal) ? "" : "Host=127.0.0.1;Port=1", argument);

        Assert.Equal(1, service.ExitCode);
        Assert.Contains(says, Assert.Single(service.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", service.Output, StringComparison.Ordinal);
    }
}
