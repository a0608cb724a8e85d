using Npgsql;

namespace Mahavishnu.Storage.Tests;

public sealed class SchemaRunnerTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static readonly SchemaMigration One = SchemaMigration.Of(1, "one", "CREATE TABLE one (n int)");
    private static readonly SchemaMigration Two = SchemaMigration.Of(2, "two", "INSERT INTO one VALUES (2)");

    [Fact]
    public async Task A_fresh_database_gets_every_migration_once()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        var store = new SchemaStore(database.DataSource);

        var first = await store.UpgradeAsync(Ct);
        var second = await store.UpgradeAsync(Ct);

        Assert.Equal(SchemaStore.Migrations, first);
        Assert.Empty(second);
        await store.RequireCurrentAsync(Ct);
        Assert.Equal(
            SchemaStore.Migrations.Select(m => (m.Number, m.Name, m.Checksum)),
            (await store.ReadAsync(Ct)).Select(a => (a.Number, a.Name, a.Checksum)));
    }

    [Fact]
    public void The_files_are_numbered_without_gaps() =>
        Assert.Equal(Enumerable.Range(1, SchemaStore.ProgramVersion), SchemaStore.Migrations.Select(m => m.Number));

    [Fact]
    public async Task An_empty_database_has_no_version_and_is_not_current()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        var store = new SchemaStore(database.DataSource);

        Assert.Empty(await store.ReadAsync(Ct));
        var refusal = await Assert.ThrowsAsync<SchemaException>(() => store.RequireCurrentAsync(Ct));
        Assert.Contains("version 0", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("db migrate", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replicas_that_start_together_apply_each_file_once()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();

        var applied = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => new SchemaStore(database.DataSource).UpgradeAsync(Ct)));

        Assert.Equal(SchemaStore.Migrations.Count, applied.Sum(a => a.Count));
    }

    [Fact]
    public async Task Replicas_that_start_together_do_not_block_an_index_that_is_built_concurrently()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        SchemaMigration[] migrations = [One, SchemaMigration.Of(2, "index", "-- no-transaction\nCREATE INDEX CONCURRENTLY one_n ON one (n);\nCREATE INDEX CONCURRENTLY one_m ON one ((n + 1));\n")];

        var applied = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => new SchemaStore(database.DataSource, migrations).UpgradeAsync(Ct)));

        Assert.Equal(2, applied.Sum(a => a.Count));
        Assert.Equal(2L, await database.ScalarAsync<long>("SELECT count(*) FROM pg_indexes WHERE tablename = 'one'"));
    }

    [Fact]
    public async Task A_statement_that_refuses_a_transaction_fails_without_the_marker()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        var store = new SchemaStore(database.DataSource, [One, SchemaMigration.Of(2, "index", "CREATE INDEX CONCURRENTLY one_n ON one (n)")]);

        await Assert.ThrowsAsync<PostgresException>(() => store.UpgradeAsync(Ct));

        Assert.Equal([1], (await store.ReadAsync(Ct)).Select(a => a.Number));
    }

    [Fact]
    public async Task A_file_that_fails_leaves_nothing_behind_and_can_be_tried_again()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        var broken = SchemaMigration.Of(2, "two", "CREATE TABLE two (n int); SELECT 1 / 0");

        await Assert.ThrowsAsync<PostgresException>(() => new SchemaStore(database.DataSource, [One, broken]).UpgradeAsync(Ct));
        Assert.False(await database.ScalarAsync<bool>("SELECT to_regclass('two') IS NOT NULL"));

        // The lock is free again, and the repaired file is taken.
        var repaired = await new SchemaStore(database.DataSource, [One, Two]).UpgradeAsync(Ct);
        Assert.Equal([Two], repaired);
    }

    [Fact]
    public async Task Only_what_is_missing_is_applied()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        await new SchemaStore(database.DataSource, [One]).UpgradeAsync(Ct);

        var applied = await new SchemaStore(database.DataSource, [One, Two]).UpgradeAsync(Ct);

        Assert.Equal([Two], applied);
        Assert.Equal(2, await database.ScalarAsync<int>("SELECT n FROM one"));
    }

    [Fact]
    public async Task An_applied_file_that_was_changed_is_refused_by_name()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        await new SchemaStore(database.DataSource, [One]).UpgradeAsync(Ct);
        var changed = new SchemaStore(database.DataSource, [One with { Checksum = "0" }]);

        var upgrade = await Assert.ThrowsAsync<SchemaException>(() => changed.UpgradeAsync(Ct));
        var require = await Assert.ThrowsAsync<SchemaException>(() => changed.RequireCurrentAsync(Ct));

        Assert.Contains("Migration 1 (one)", upgrade.Message, StringComparison.Ordinal);
        Assert.Equal(upgrade.Message, require.Message);
    }

    [Fact]
    public async Task A_schema_newer_than_the_program_is_refused()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        await new SchemaStore(database.DataSource, [One, Two]).UpgradeAsync(Ct);
        var older = new SchemaStore(database.DataSource, [One]);

        var refusal = await Assert.ThrowsAsync<SchemaException>(() => older.UpgradeAsync(Ct));

        Assert.Contains("version 2, newer than this program's 1", refusal.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<SchemaException>(() => older.RequireCurrentAsync(Ct));
    }

    [Fact]
    public async Task Vectors_can_be_sent_by_the_data_source_that_ran_the_upgrade()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        await using (await database.DataSource.OpenConnectionAsync(Ct))
        {
            // The pool has learned the types of a database without pgvector.
        }

        await new SchemaStore(database.DataSource).UpgradeAsync(Ct);

        await using var command = database.DataSource.CreateCommand("SELECT $1::halfvec::text");
        command.Parameters.AddWithValue(new Pgvector.HalfVector(new[] { (Half)1, (Half)2 }));
        Assert.Equal("[1,2]", await command.ExecuteScalarAsync(Ct));
    }

    [Theory]
    [InlineData("0.7.4", false)]
    [InlineData("0.8.0", true)]
    [InlineData("0.8.7", true)]
    [InlineData("0.10.1", true)]
    [InlineData("1.0", true)]
    [InlineData("unpackaged", false)]
    public void Pgvector_is_judged_by_its_number(string version, bool good)
    {
        var refusal = SchemaStore.WhatIsWrongWithPgvector(version);

        Assert.Equal(good, refusal is null);
        if (!good)
        {
            Assert.Contains(version, refusal, StringComparison.Ordinal);
            Assert.Contains("0.8.0", refusal, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_server_without_pgvector_is_told_what_to_install() =>
        Assert.Contains("Install pgvector", SchemaStore.WhatIsWrongWithPgvector(null), StringComparison.Ordinal);
}
