using System.Globalization;
using System.Net.Http.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Migration.Tests.Imports;

/// <summary>An import that is stopped in the middle, by whatever, and goes on.</summary>
public sealed class StoppedImportTests(PostgresFixture postgres)
{
    private const int Rows = 20;
    private const int Fatal = 11;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task After_a_failure_the_same_request_goes_on_where_it_stopped()
    {
        await using var world = await StartAsync();
        var file = Write(world);
        await TrapAsync(world, "RAISE EXCEPTION 'out of luck'");

        var failed = await world.EndAsync(await world.Imports.StartAsync(ImportWorld.Request(file), Ct));
        var halfway = Assert.Single((await world.Imports.ListAsync(ct: Ct)).Items);
        await ReleaseAsync(world);
        var report = await world.ImportAsync(file);

        Assert.Equal(OperationStates.Failed, failed.State);
        Assert.Equal((ImportStatuses.Failed, 10), (halfway.Status, halfway.Total.Imported));
        Assert.Equal((halfway.ImportId, Rows), (report.ImportId!.Value, report.Total.Imported));
        Assert.True(report.Verified, string.Join('\n', report.Verification!.Differences));
        Assert.Equal(Rows, await world.Database.ScalarAsync<long>("SELECT count(*) FROM memories"));
        Assert.Equal(ImportStatuses.Completed, (await world.Imports.GetAsync(halfway.ImportId, Ct)).Status);
    }

    [Fact]
    public async Task The_health_document_tells_how_the_last_import_stands_and_a_failed_one_only_degrades()
    {
        await using var world = await StartAsync();
        var file = Write(world);
        var before = await PartAsync();
        await TrapAsync(world, "RAISE EXCEPTION 'out of luck'");
        await world.EndAsync(await world.Imports.StartAsync(ImportWorld.Request(file), Ct));
        var failed = await PartAsync();
        await ReleaseAsync(world);
        var report = await world.ImportAsync(file);
        var after = await PartAsync();

        Assert.Equal(("healthy", "Nothing has been imported yet", null), (before.Status, before.Message, before.Metadata));
        Assert.Equal(("degraded", "failed", "10"), (failed.Status, failed.Metadata!["state"]?.ToString(), failed.Metadata["imported"]?.ToString()));
        Assert.Contains($"mahavishnu import show {report.ImportId}", failed.Message, StringComparison.Ordinal);
        Assert.Equal(("healthy", "completed", Rows.ToString(CultureInfo.InvariantCulture)), (after.Status, after.Metadata!["state"]?.ToString(), after.Metadata["imported"]?.ToString()));
        Assert.Equal(["import", "state", "startedAt", "finishedAt", "read", "imported", "duplicate", "rejected"], after.Metadata.Keys);

        async Task<ComponentHealth> PartAsync()
        {
            var document = await world.Host.Http.GetFromJsonAsync<HealthDocument>("/api/v1/health", WireJson.Lenient, Ct);
            return Assert.Single(document!.Components, c => c.Name == "session_buddy");
        }
    }

    [Fact]
    public async Task With_other_settings_it_is_another_import()
    {
        await using var world = await StartAsync();
        var file = Write(world);
        await TrapAsync(world, "RAISE EXCEPTION 'out of luck'");
        await world.EndAsync(await world.Imports.StartAsync(ImportWorld.Request(file), Ct));
        await ReleaseAsync(world);

        var report = await world.ImportAsync(ImportWorld.Request(file) with { TimeZone = "Europe/Berlin" });

        Assert.Equal(new ImportCounts(Rows, 10, 10, 0), report.Total);
        Assert.Equal(2, (await world.Imports.ListAsync(ct: Ct)).Items.Count);
    }

    [Fact]
    public async Task A_database_that_stops_is_waited_for()
    {
        await using var world = await StartAsync();
        await TrapAsync(world, "RAISE EXCEPTION 'terminating connection' USING ERRCODE = '57P01'");

        var operation = await world.Imports.StartAsync(ImportWorld.Request(Write(world)), Ct);
        // The work was given back and taken up again at least once.
        await Eventually.Async(async () => await world.Database.ScalarAsync<int>("SELECT attempts FROM operations") > 1, "A second attempt");
        await ReleaseAsync(world);

        Assert.Equal(OperationStates.Completed, (await world.EndAsync(operation)).State);
        Assert.Equal(Rows, await world.Database.ScalarAsync<long>("SELECT count(*) FROM memories"));
    }

    [Fact]
    public async Task A_full_disk_ends_it_with_a_sentence_and_keeps_what_was_done()
    {
        await using var world = await StartAsync();
        var file = Write(world);
        await TrapAsync(world, "RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'");

        var failed = await world.EndAsync(await world.Imports.StartAsync(ImportWorld.Request(file), Ct));
        await ReleaseAsync(world);

        Assert.Equal(OperationStates.Failed, failed.State);
        Assert.Contains("disk of the database is full", failed.Error!.Message, StringComparison.Ordinal);
        Assert.Equal(Rows, (await world.ImportAsync(file)).Total.Imported);
    }

    [Fact]
    public async Task A_row_that_the_database_refuses_is_rejected_and_holds_up_no_other()
    {
        await using var world = await StartAsync(("Import:RowsPerTransaction", "1000"));
        await TrapAsync(world, "RAISE EXCEPTION 'that will not do' USING ERRCODE = '22000'");

        var report = await world.ImportAsync(Write(world));

        Assert.Equal(new ImportCounts(Rows, Rows - 1, 0, 1), report.Total);
        Assert.True(report.Verified, string.Join('\n', report.Verification!.Differences));
        var reject = Assert.Single((await world.Imports.RejectsAsync(report.ImportId!.Value, ct: Ct)).Items);
        Assert.Equal(Fatal, reject.Row);
        Assert.Contains("that will not do", reject.Reason, StringComparison.Ordinal);
        Assert.Equal($"note {Fatal}", reject.Raw.GetProperty("content").GetString());
    }

    [Fact]
    public async Task Cancelled_it_stops_and_the_same_request_goes_on()
    {
        await using var world = await StartAsync();
        var file = Write(world);
        await using var holding = await world.Database.DataSource.OpenConnectionAsync(Ct);
        await using (var hold = SqlText.Command("SELECT pg_advisory_lock(42)", holding))
        {
            await hold.ExecuteNonQueryAsync(Ct);
        }

        await TrapAsync(world, "PERFORM pg_advisory_xact_lock(42)");
        var operation = await world.Imports.StartAsync(ImportWorld.Request(file), Ct);
        await Eventually.Async(async () => await world.Database.ScalarAsync<long>("SELECT count(*) FROM memories") == 10, "Half of the import");
        await world.Host.Get<OperationStore>().CancelAsync(operation.Id, Ct);

        Assert.Equal(OperationStates.Cancelled, (await world.EndAsync(operation)).State);
        var stopped = Assert.Single((await world.Imports.ListAsync(ct: Ct)).Items);
        Assert.Equal((ImportStatuses.Cancelled, 10), (stopped.Status, stopped.Total.Imported));
        await ReleaseAsync(world);
        var report = await world.ImportAsync(file);
        Assert.Equal((stopped.ImportId, Rows), (report.ImportId!.Value, report.Total.Imported));
    }

    [Fact]
    public async Task Unfinished_it_can_be_undone()
    {
        await using var world = await StartAsync();
        var file = Write(world);
        await TrapAsync(world, "RAISE EXCEPTION 'out of luck'");
        await world.EndAsync(await world.Imports.StartAsync(ImportWorld.Request(file), Ct));
        await ReleaseAsync(world);

        var undone = await world.UndoAsync((await world.Imports.ListAsync(ct: Ct)).Items[0].ImportId);

        Assert.Equal(10, undone.Removed);
        Assert.Equal(Rows, (await world.ImportAsync(file)).Total.Imported);
        Assert.Equal([ImportStatuses.Completed, ImportStatuses.Undone], (await world.Imports.ListAsync(ct: Ct)).Items.Select(i => i.Status));
    }

    private async Task<ImportWorld> StartAsync(params (string, string?)[] settings) =>
        await ImportWorld.StartAsync(postgres, settings.Length > 0 ? settings : [("Import:RowsPerTransaction", "5")]);

    private static string Write(ImportWorld world) => world.Write(
        "reflection.duckdb",
        "CREATE TABLE reflections (id VARCHAR, content VARCHAR, project VARCHAR, tags VARCHAR[], timestamp TIMESTAMP, metadata JSON)",
        $"INSERT INTO reflections SELECT 'r' || i, 'note ' || i, 'p', ['t'], TIMESTAMP '2026-01-01 00:00:00' + INTERVAL (i) HOUR, NULL FROM range(1, {Rows + 1}) t(i)");

    /// <summary>Something that happens at the row <see cref="Fatal"/>.</summary>
    private static async Task TrapAsync(ImportWorld world, string statement)
    {
        await world.Database.ExecuteAsync($"CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statement}; RETURN NEW; END $$");
        await world.Database.ExecuteAsync($"CREATE TRIGGER trap BEFORE INSERT ON import_rows FOR EACH ROW WHEN (NEW.row = {Fatal}) EXECUTE FUNCTION trap()");
    }

    private static Task ReleaseAsync(ImportWorld world) => world.Database.ExecuteAsync("DROP FUNCTION trap CASCADE");
}
