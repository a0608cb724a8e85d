using System.Text.Json;
using Mahavishnu.Storage;

namespace Mahavishnu.Cli.Tests;

/// <summary>A database that the settings name is used or failed on; it is never replaced, started, stopped or saved by us.</summary>
[Collection(EnvironmentCollection.Name)]
public sealed class GivenDatabaseTests(PostgresFixture postgres)
{
    private const string Connection = "ConnectionStrings__mahavishnu";

    [Fact]
    public async Task It_is_migrated_and_says_its_versions()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        using var variables = new Variables((Connection, database.ConnectionString));

        var first = await Cli.RunAsync("db", "migrate", "--json");
        var second = await Cli.RunAsync("db", "migrate", "--json");
        var version = await Cli.RunAsync("db", "version", "--json");

        Assert.Equal(ExitCode.Done, first.Code);
        Assert.Equal(SchemaStore.Migrations.Count, Root(first).GetProperty("applied").GetArrayLength());
        Assert.Equal(0, Root(second).GetProperty("applied").GetArrayLength());
        Assert.Equal(SchemaStore.ProgramVersion, Root(version).GetProperty("schema").GetInt32());
        Assert.Equal(SchemaStore.ProgramVersion, Root(version).GetProperty("programSchema").GetInt32());
        Assert.True(Version.Parse(Root(version).GetProperty("pgvector").GetString()!) >= SchemaStore.OldestPgvector);
    }

    [Fact]
    public async Task Its_state_is_told_without_its_password()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        using var variables = new Variables((Connection, database.ConnectionString));
        var password = new Npgsql.NpgsqlConnectionStringBuilder(database.ConnectionString).Password!;

        var status = await Cli.RunAsync("db", "status");
        var up = await Cli.RunAsync("db", "up");
        var service = await Cli.RunAsync("status");
        var settings = await Cli.RunAsync("config", "show");

        Assert.Equal(ExitCode.Done, status.Code);
        Assert.Contains("given database: Host=", status.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Done, up.Code);
        Assert.Equal(database.ConnectionString, up.Out.Trim());
        Assert.Equal(ExitCode.Failed, service.Code);
        Assert.Contains("not running", service.Out, StringComparison.Ordinal);
        Assert.Contains("ConnectionStrings:mahavishnu = Host=", settings.Out, StringComparison.Ordinal);
        foreach (var text in new[] { status.Out, status.Error, up.Error, service.Out, service.Error, settings.Out, settings.Error })
        {
            Assert.DoesNotContain(password, text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("down")]
    [InlineData("rm --yes")]
    [InlineData("backup never-written.dump")]
    [InlineData("restore never-read.dump --force")]
    public async Task What_is_for_the_private_server_is_refused(string verb)
    {
        using var variables = new Variables((Connection, "Host=db.example;Username=me;Password=hidden;Database=mine"));

        var run = await Cli.RunAsync(["db", .. verb.Split(' ')]);

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains("db.example", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists("never-written.dump"));
    }

    [Theory]
    [InlineData("db up")]
    [InlineData("db migrate")]
    [InlineData("up --port 0")]
    [InlineData("search anything")]
    public async Task One_that_does_not_answer_is_an_error_and_not_replaced(string line)
    {
        using var variables = new Variables((Connection, "Host=127.0.0.1;Port=1;Username=me;Password=hidden;Database=mine;Timeout=2"));

        var run = await Cli.RunAsync(line.Split(' '));

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains("127.0.0.1:1", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("private PostgreSQL", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_that_differ_stop_the_start_and_are_both_named()
    {
        using var variables = new Variables((Connection, "Host=one.example;Username=me;Password=hidden;Database=mine"), ("MAHAVISHNU_PG_HOST", "two.example"));

        var run = await Cli.RunAsync("up", "--port", "0");

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains("one.example", run.Error, StringComparison.Ordinal);
        Assert.Contains("two.example", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", run.Error, StringComparison.Ordinal);
    }

    private static JsonElement Root(CliRun run) => JsonDocument.Parse(run.Out).RootElement;
}
