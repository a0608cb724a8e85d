using System.Text.Json;
using DuckDB.NET.Data;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Cli.Tests;

/// <summary><c>mahavishnu import</c> without a service that runs.</summary>
[Collection(EnvironmentCollection.Name)]
public sealed class ImportVerbTests(PostgresFixture postgres) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mahavishnu-imports-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task What_is_imported_is_reported_listed_found_and_taken_back()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        using var variables = Given(database);
        var file = Write("reflection.duckdb");

        var imported = await Cli.RunAsync("import", file, "--time-zone", "America/Los_Angeles");
        var again = await Cli.RunAsync("import", file, "--time-zone", "America/Los_Angeles", "--json");
        var found = await Cli.RunAsync("search", "quokka", "--source", "session_buddy", "--mode", "text", "--json");
        var listed = await Cli.RunAsync("import", "list", "--json");

        Assert.Equal((ExitCode.Done, ExitCode.Done), (imported.Code, again.Code));
        Assert.Contains("imported: 2 of 4 rows; 1 duplicates, 1 rejected", imported.Out, StringComparison.Ordinal);
        Assert.Contains("verified: 4 of 4 accounted for", imported.Out, StringComparison.Ordinal);
        Assert.Contains("America/Los_Angeles", imported.Out, StringComparison.Ordinal);
        var report = JsonSerializer.Deserialize<ImportReport>(again.Out, WireJson.Lenient)!;
        Assert.Equal(new ImportCounts(4, 0, 3, 1), report.Total);
        var hit = Assert.Single(JsonSerializer.Deserialize<SearchResponse>(found.Out, WireJson.Lenient)!.Hits);
        Assert.Equal(("session_buddy", new DateTimeOffset(2026, 2, 1, 20, 0, 0, TimeSpan.Zero)), (hit.Source, hit.OccurredAt));
        var imports = JsonSerializer.Deserialize<Page<ImportSummary>>(listed.Out, WireJson.Lenient)!.Items;
        Assert.Equal([0, 2], imports.Select(i => i.Total.Imported));

        var shown = await Cli.RunAsync("import", "show", imports[1].ImportId.ToString());
        var rejects = await Cli.RunAsync("import", "rejects", imports[1].ImportId.ToString());
        Assert.StartsWith("completed", shown.Out, StringComparison.Ordinal);
        Assert.Contains("reflections, row 4", rejects.Out, StringComparison.Ordinal);
        Assert.Contains("\"id\":\"d\"", rejects.Out.Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);

        await Cli.RunAsync("import", "undo", imports[0].ImportId.ToString());
        var undone = await Cli.RunAsync("import", "undo", imports[1].ImportId.ToString());
        var twice = await Cli.RunAsync("import", "undo", imports[1].ImportId.ToString());
        Assert.Equal((ExitCode.Done, ExitCode.Failed), (undone.Code, twice.Code));
        Assert.Contains("2 memories", undone.Out, StringComparison.Ordinal);
        Assert.Contains("undone already", twice.Error, StringComparison.Ordinal);
        Assert.Equal(0, await database.ScalarAsync<long>("SELECT count(*) FROM memories"));
    }

    [Fact]
    public async Task A_dry_run_reports_and_writes_nothing()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        using var variables = Given(database);

        var run = await Cli.RunAsync("import", Write("reflection.duckdb"), "--dry-run");

        Assert.Equal(ExitCode.Done, run.Code);
        Assert.Contains("would be imported: 2 of 4 rows", run.Out, StringComparison.Ordinal);
        Assert.Equal(0, await database.ScalarAsync<long>("SELECT (SELECT count(*) FROM memories) + (SELECT count(*) FROM imports)"));
    }

    [Fact]
    public async Task A_file_that_is_none_is_said_in_one_sentence_and_nothing_is_touched()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        using var variables = Given(database);
        var good = Write("reflection.duckdb");
        var bad = Path.Combine(_folder, "notes.duckdb");
        await File.WriteAllTextAsync(bad, "just some notes", TestContext.Current.CancellationToken);

        var run = await Cli.RunAsync("import", good, bad);

        Assert.Equal((ExitCode.Failed, ""), (run.Code, run.Out));
        Assert.Contains("notes.duckdb", run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1], StringComparison.Ordinal);
        Assert.Equal(0, await database.ScalarAsync<long>("SELECT (SELECT count(*) FROM memories) + (SELECT count(*) FROM imports)"));
    }

    [Fact]
    public async Task A_path_that_does_not_exist_is_named()
    {
        using var variables = new Variables();

        var run = await Cli.RunAsync("import", Path.Combine(_folder, "nowhere.duckdb"));

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains("nowhere.duckdb does not exist", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_that_leads_nowhere_is_named()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        var (lost, circle) = (Path.Combine(_folder, "lost.duckdb"), Path.Combine(_folder, "circle.duckdb"));
        File.CreateSymbolicLink(lost, "nowhere");
        File.CreateSymbolicLink(circle, "circle.duckdb");

        foreach (var link in new[] { lost, circle })
        {
            Assert.Equal($"PATH {link} is a link that leads nowhere.", Assert.Throws<CliException>(() => ImportCommand.Resolve(link, address: null)).Message);
        }
    }

    [Fact]
    public void A_local_path_is_not_handed_to_another_machine()
    {
        var elsewhere = new ServiceAddress(new Uri("http://memory.example/"), ApiKey: null);

        var local = Assert.Throws<CliException>(() => ImportCommand.Resolve(_folder, elsewhere));

        Assert.Equal(ExitCode.WrongUsage, local.Code);
        Assert.Contains("memory.example", local.Message, StringComparison.Ordinal);
        Assert.Equal("/nowhere/on/this/machine.duckdb", ImportCommand.Resolve("/nowhere/on/this/machine.duckdb", elsewhere));
    }

    private static Variables Given(TestDatabase database) =>
        new(("ConnectionStrings__mahavishnu", database.ConnectionString), ("Database__MinPoolSize", "0"), ("Database__MaxPoolSize", "10"));

    private string Write(string name)
    {
        var path = Path.Combine(_folder, name);
        using var connection = new DuckDBConnection($"Data Source={path}");
        connection.Open();
        string[] statements =
        [
            "CREATE TABLE reflections (id VARCHAR, content VARCHAR, project VARCHAR, tags VARCHAR[], timestamp TIMESTAMP, metadata JSON)",
            """
            INSERT INTO reflections VALUES
                ('a', 'The quokka smiles', 'zoo', ['animal'], '2026-02-01 12:00:00', NULL), ('b', 'The wombat digs', NULL, NULL, NULL, NULL),
                ('c', 'The wombat digs', 'zoo', NULL, NULL, NULL), ('d', '  ', NULL, NULL, NULL, NULL)
            """,
        ];
        foreach (var statement in statements)
        {
            using var command = SqlText.With(connection.CreateCommand(), statement);
            command.ExecuteNonQuery();
        }

        return path;
    }
}
