using System.Globalization;
using System.Text;
using Mahavishnu.Contracts;

namespace Mahavishnu.Storage.Tests;

/// <summary>Keeps <c>services/Storage/schema.sql</c>, the whole schema in one readable file, equal to what the migrations make.</summary>
public sealed class SchemaFileTests(PostgresFixture postgres)
{
    [Fact]
    public async Task The_schema_file_shows_what_the_migrations_make()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        var space = await new EmbeddingSpaceStore(database.DataSource)
            .EnsureActiveAsync(new EmbeddingModel("builtin", "example", "1", 768, "cosine", "none"), TestContext.Current.CancellationToken);

        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            -- The schema at version {SchemaStore.ProgramVersion}, as PostgreSQL describes it. Generated: change a migration in Schema/, then run the
            -- tests of Storage with {Approved.Variable}=1. Why things are as they are is said in the migrations.

            CREATE EXTENSION vector;
            CREATE EXTENSION pg_prewarm; -- where the server has it

            """);
        foreach (var function in await FunctionsAsync(database))
        {
            text.Append('\n').Append(function.Trim()).Append(";\n");
        }

        foreach (var table in await database.RowsAsync("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"))
        {
            await AppendTableAsync(text, database, (string)table[0]!, space.Table);
        }

        Approved.Equal(text.ToString(), "../../services/Storage/schema.sql");
    }

    private static async Task<IEnumerable<string>> FunctionsAsync(TestDatabase database)
    {
        var rows = await database.RowsAsync("""
            SELECT pg_get_functiondef(p.oid) FROM pg_proc p
            WHERE p.pronamespace = 'public'::regnamespace
              AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
            ORDER BY p.proname, pg_get_function_identity_arguments(p.oid)
            """);
        return rows.Select(r => (string)r[0]!);
    }

    private static async Task AppendTableAsync(StringBuilder text, TestDatabase database, string table, string vectors)
    {
        var columns = await database.RowsAsync("""
            SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity <> '', a.attgenerated <> '', pg_get_expr(d.adbin, d.adrelid),
                   a.attstorage = 'p' AND t.typstorage <> 'p'
            FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
            """, table);
        // Not-null constraints have rows of their own from PostgreSQL 18 on; they are shown with the columns.
        var constraints = await database.RowsAsync(
            "SELECT 'CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::regclass AND contype <> 'n' ORDER BY contype <> 'p', conname", table);
        var indexes = await database.RowsAsync("""
            SELECT pg_get_indexdef(indexrelid) FROM pg_index
            WHERE indrelid = $1::regclass AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = indexrelid AND c.contype IN ('p', 'u'))
            ORDER BY 1
            """, table);
        var options = await database.ScalarAsync<string>("SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = $1::regclass", table);

        var names = columns.Max(c => ((string)c[0]!).Length) + 1;
        var types = columns.Max(c => ((string)c[1]!).Length) + 1;
        var lines = columns.Select(c => $"    {((string)c[0]!).PadRight(names)}{((string)c[1]!).PadRight(types)}{Rest(c)}".TrimEnd())
            .Concat(constraints.Select(c => "    " + (string)c[0]!));
        text.Append(table == vectors ? "\n-- One such table an embedding space, made with it: here the first, of 768 dimensions. Its HNSW index is built when it pays." : "");
        text.Append(CultureInfo.InvariantCulture, $"\nCREATE TABLE {table} (\n{string.Join(",\n", lines)}\n){(options is null ? "" : $" WITH ({options})")};\n");
        foreach (var index in indexes)
        {
            text.Append(((string)index[0]!).Replace(" ON public.", " ON ", StringComparison.Ordinal)).Append(";\n");
        }
    }

    private static string Rest(object?[] column) => string.Join(' ', new[]
    {
        column[6] is true ? "STORAGE PLAIN" : "",
        column[2] is true ? "NOT NULL" : "",
        column[3] is true ? "GENERATED ALWAYS AS IDENTITY" : "",
        column[4] is true ? $"GENERATED ALWAYS AS ({column[5]}) STORED" : column[5] is string value ? $"DEFAULT {value}" : "",
    }.Where(part => part.Length > 0));
}
