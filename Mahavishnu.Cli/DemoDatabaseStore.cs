using Npgsql;

namespace Mahavishnu.Cli;

/// <summary>The demo's own database on a server that the settings name; the private server makes its own by itself.</summary>
internal static class DemoDatabaseStore
{
    /// <param name="given">A database of the user's on that server: connected to, not touched.</param>
    /// <returns>The connection string of an empty <c>mahavishnu_demo</c> beside it.</returns>
    public static async Task<string> RecreateAsync(string given, CancellationToken ct)
    {
        var demo = new NpgsqlConnectionStringBuilder(given) { Database = DemoCommand.Database };
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(given) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(ct);
        await using (var drop = new NpgsqlCommand("DROP DATABASE IF EXISTS mahavishnu_demo WITH (FORCE)", connection))
        {
            await drop.ExecuteNonQueryAsync(ct);
        }

        await using (var create = new NpgsqlCommand("CREATE DATABASE mahavishnu_demo", connection))
        {
            await create.ExecuteNonQueryAsync(ct);
        }

        return demo.ConnectionString;
    }
}
