using Mahavishnu.Contracts;

namespace Mahavishnu.Storage.Tests;

/// <summary>A distributed PostgreSQL can place rows by their tenant: nothing that must be unique or must be there reaches across (docs/larger-database.md).</summary>
public sealed class TenantKeyTests(PostgresFixture postgres)
{
    // What all tenants share: the spaces, what belongs to them, and the schema itself.
    private static readonly string[] Shared = ["embedding_cache", "embedding_spaces", "recall_samples", "schema_versions"];

    [Fact]
    public async Task Every_table_of_user_data_begins_its_keys_with_the_tenant()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        await new EmbeddingSpaceStore(database.DataSource)
            .EnsureActiveAsync(new EmbeddingModel("builtin", "example", "1", 4, "cosine", "none"), TestContext.Current.CancellationToken);

        var without = await database.RowsAsync("""
            SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
                AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id') ORDER BY 1
            """);
        var unique = await database.RowsAsync("""
            SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attname = 'tenant_id' AND i.indisunique
            WHERE i.indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace) AND i.indkey[0] <> a.attnum ORDER BY 1
            """);
        var foreign = await database.RowsAsync("""
            SELECT k.conrelid::regclass::text || ' ' || k.conname FROM pg_constraint k
                JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attname = 'tenant_id' JOIN pg_attribute f ON f.attrelid = k.confrelid AND f.attname = 'tenant_id'
            WHERE k.contype = 'f' AND (k.conkey[1] <> a.attnum OR k.confkey[1] <> f.attnum) ORDER BY 1
            """);

        Assert.Equal(Shared, without.Select(r => (string)r[0]!));
        Assert.Empty(unique.Select(r => (string)r[0]!));
        Assert.Empty(foreign.Select(r => (string)r[0]!));
    }
}
