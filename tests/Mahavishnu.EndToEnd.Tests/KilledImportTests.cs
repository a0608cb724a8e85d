using System.Globalization;
using System.Text.Json;
using DuckDB.NET.Data;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>kill -9 in the middle of an import, again and again: what it leaves in the end is what an undisturbed one leaves.</summary>
public sealed class KilledImportTests(PostgresFixture postgres)
{
    private const int Rows = 6_000;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task After_five_kills_every_row_is_accounted_for_exactly_once()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync(poolSize: 3);
        await using var undisturbed = await postgres.CreateEmptyDatabaseAsync(poolSize: 3);
        using var roots = new Folder();
        var file = Write(roots);
        // Small transactions: more moments to be killed at.
        await using var system = new UpSystem(database.ConnectionString, roots.Path, ("Import__RowsPerTransaction", "50"), ("Embedding__Workers", "0"));
        await system.StartAsync();
        var request = new ImportRequest { Paths = [file], TimeZone = "America/Los_Angeles" };
        var operation = await new ImportsClient(system.Http).StartAsync(request, Ct);

        var done = 0L;
        foreach (var _ in Enumerable.Range(0, 5))
        {
            // Somewhere in what is still to come.
            done = Random.Shared.NextInt64(done, done + ((Rows - done) / 3));
            await Eventually.Async(
                async () => await database.ScalarAsync<long>("SELECT coalesce(sum(cursor), 0)::bigint FROM import_tables") > done, $"The first {done} rows", TimeSpan.FromMinutes(2));
            await system.KillAsync();
            await system.RestartAsync();
            // Nobody waits for the lease of the dead: whoever asks again is told of the same work.
            Assert.Equal(operation.Id, (await new ImportsClient(system.Http).StartAsync(request, Ct)).Id);
        }

        var report = await ReportAsync(system, operation.Id);
        await using var another = new UpSystem(undisturbed.ConnectionString, roots.Path, ("Import__RowsPerTransaction", "50"), ("Embedding__Workers", "0"));
        await another.StartAsync();
        var expected = await ReportAsync(another, (await new ImportsClient(another.Http).StartAsync(request, Ct)).Id);

        Assert.Equal(expected.Total, report.Total);
        Assert.Equal(JsonSerializer.Serialize(expected.Files, WireJson.Lenient), JsonSerializer.Serialize(report.Files, WireJson.Lenient));
        Assert.True(report.Verified && expected.Verified, string.Join('\n', report.Verification!.Differences));
        foreach (var rows in (string[])[
            "SELECT memory_type, source_system, content_hash, dedupe_key, tags, project_id, metadata, provenance, occurred_at FROM memories WHERE NOT metadata ? 'occurredAtUnknown' ORDER BY dedupe_key",
            "SELECT table_number, row, made, object, source_id FROM import_rows ORDER BY 1, 2",
            "SELECT name, row, reason, raw FROM import_rejects ORDER BY 1, 2"])
        {
            Assert.Equal(await TextAsync(undisturbed, rows), await TextAsync(database, rows));
        }
    }

    /// <summary>A result as text, without what differs from import to import: ids.</summary>
    private static async Task<string> TextAsync(TestDatabase database, string rows) =>
        (await database.ScalarAsync<string>($"SELECT regexp_replace(string_agg(r::text, E'\\n'), '\"+import\"+: \"+[^\"]*\"+', '', 'g') FROM ({rows}) r"))!;

    private static async Task<ImportReport> ReportAsync(MahavishnuSystem system, Guid operation)
    {
        var ended = await Eventually.Async(() => system.Operations.GetAsync(operation, Ct), o => OperationStates.IsFinal(o.State), "The end of the import", TimeSpan.FromMinutes(3));
        Assert.True(ended.State == OperationStates.Completed, $"{ended}\n{system.Output}");
        return ended.Result!.Value.Deserialize<ImportReport>(WireJson.Lenient)!;
    }

    private static string Write(Folder roots)
    {
        var path = Path.Combine(roots.Path, "reflection.duckdb");
        using var connection = new DuckDBConnection($"Data Source={path}");
        connection.Open();
        string[] statements =
        [
            "CREATE TABLE conversations (id VARCHAR, content VARCHAR, project VARCHAR, timestamp TIMESTAMP, metadata JSON)",
            "CREATE TABLE reflections (id VARCHAR, content VARCHAR, project VARCHAR, tags VARCHAR[], timestamp TIMESTAMP, metadata JSON)",
            string.Create(CultureInfo.InvariantCulture, $"INSERT INTO conversations SELECT 'c' || i, 'said ' || (i % 2500), 'p' || (i % 7), TIMESTAMP '2026-01-01' + INTERVAL (i) MINUTE, NULL FROM range({Rows / 2}) t(i)"),
            string.Create(CultureInfo.InvariantCulture, $"INSERT INTO reflections SELECT 'r' || i, CASE WHEN i % 100 = 0 THEN ' ' ELSE 'thought ' || (i % 2900) END, NULL, ['t' || (i % 3)], TIMESTAMP '2026-02-01' + INTERVAL (i) MINUTE, NULL FROM range({Rows / 2}) t(i)"),
        ];
        foreach (var statement in statements)
        {
            using var command = SqlText.With(connection.CreateCommand(), statement);
            command.ExecuteNonQuery();
        }

        return path;
    }
}
