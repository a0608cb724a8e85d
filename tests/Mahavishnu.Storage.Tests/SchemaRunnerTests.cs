namespace Mahavishnu.Storage.Tests;

public sealed class SchemaRunnerTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_fresh_database_gets_every_migration_once()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        var store = new SchemaStore(database.DataSource);

        var first = await store.UpgradeAsync(TestContext.Current.CancellationToken);
        var second = await store.UpgradeAsync(TestContext.Current.CancellationToken);

        Assert.Equal(SchemaStore.Migrations, first);
        Assert.Empty(second);
        Assert.Equal(SchemaStore.ProgramVersion, (await store.ReadAsync(TestContext.Current.CancellationToken))[^1].Number);
        await store.RequireCurrentAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_copy_of_the_template_is_current()
    {
        await using var database = await postgres.CreateDatabaseAsync();

        await new SchemaStore(database.DataSource).RequireCurrentAsync(TestContext.Current.CancellationToken);
    }
}
