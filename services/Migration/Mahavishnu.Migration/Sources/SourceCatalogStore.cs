using System.Globalization;
using DuckDB.NET.Data;
using Mahavishnu.Storage;

namespace Mahavishnu.Migration;

/// <summary>Which tables a DuckDB file has, and how it is opened to be read.</summary>
internal static class SourceCatalogStore
{
    /// <summary>One thread, so that rows come in their order; little memory; nothing is looked for in the network or written beside the file.</summary>
    public static string ConnectionString(string path) => new DuckDBConnectionStringBuilder
    {
        ["Data Source"] = path,
        ["access_mode"] = "read_only",
        ["memory_limit"] = Memory(SmallestMemory),
        ["threads"] = "1",
        ["autoinstall_known_extensions"] = "false",
        ["autoload_known_extensions"] = "false",
    }.ConnectionString;

    /// <summary>MB that DuckDB may take. It reads 2,048 rows at a time, all of them whole: where they are too big together, see <see cref="SourceRowStore"/>.</summary>
    public const int SmallestMemory = 48;

    public static void SetUp(DuckDBConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SET temp_directory = ''; SET preserve_insertion_order = true";
        command.ExecuteNonQuery();
    }

    public static void SetMemory(DuckDBConnection connection, int megabytes)
    {
        using var command = SqlText.With(connection.CreateCommand(), $"SET memory_limit = '{Memory(megabytes)}'");
        command.ExecuteNonQuery();
    }

    public static IReadOnlyList<FoundTable> Tables(DuckDBConnection connection)
    {
        var columns = new Dictionary<(string, string), List<SourceColumn>>();
        using (var command = connection.CreateCommand())
        {
            command.CommandText = """
                SELECT schema_name, table_name, column_name, data_type
                FROM duckdb_columns()
                WHERE database_name = current_database() AND NOT internal
                ORDER BY schema_name, table_name, column_index
                """;
            using var row = command.ExecuteReader();
            while (row.Read())
            {
                var key = (row.GetString(0), row.GetString(1));
                if (!columns.TryGetValue(key, out var list))
                {
                    columns.Add(key, list = []);
                }

                list.Add(new SourceColumn(row.GetString(2), row.GetString(3)));
            }
        }

        var names = new List<(string Schema, string Name, bool HasKey)>();
        using (var command = connection.CreateCommand())
        {
            // A view has no rows of its own, and no order.
            command.CommandText = """
                SELECT t.schema_name, t.table_name,
                       EXISTS (SELECT 1 FROM duckdb_constraints() c
                               WHERE c.database_name = t.database_name AND c.table_oid = t.table_oid
                                 AND c.constraint_type IN ('PRIMARY KEY', 'UNIQUE') AND c.constraint_column_names = ['id'])
                FROM duckdb_tables() t
                WHERE t.database_name = current_database() AND NOT t.internal AND NOT t.temporary
                ORDER BY t.schema_name, t.table_name
                """;
            using var row = command.ExecuteReader();
            while (row.Read())
            {
                names.Add((row.GetString(0), row.GetString(1), row.GetBoolean(2)));
            }
        }

        return [.. names.Select(n => new FoundTable(n.Schema, n.Name, Count(connection, n.Schema, n.Name), columns.GetValueOrDefault((n.Schema, n.Name)) ?? [], n.HasKey))];
    }

    public static string Quoted(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static long Count(DuckDBConnection connection, string schema, string name)
    {
        using var command = SqlText.With(connection.CreateCommand(), $"SELECT count(*) FROM {Quoted(schema)}.{Quoted(name)}");
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private static string Memory(int megabytes) => string.Create(CultureInfo.InvariantCulture, $"{megabytes}MB");
}
