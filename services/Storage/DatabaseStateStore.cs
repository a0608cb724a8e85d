using Microsoft.Extensions.Configuration;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>What is known of the server behind the data source.</summary>
/// <param name="Database">Connection string without its password.</param>
/// <param name="MaxConnections">Connections that ordinary roles may open.</param>
public sealed record DatabaseState(string Database, string ServerVersion, string? PgvectorVersion, int SchemaVersion, int MaxConnections);

/// <summary>Asks the server who it is.</summary>
public sealed class DatabaseStateStore(NpgsqlDataSource db, IConfiguration configuration)
{
    /// <summary>The database in use, password masked; needs no connection.</summary>
    public string Database { get; } = DatabaseConnection.Mask(DatabaseConnection.Require(configuration));

    /// <summary>Most connections this process opens.</summary>
    public int MaxPoolSize { get; } = new NpgsqlConnectionStringBuilder(db.ConnectionString).MaxPoolSize;

    public async Task<DatabaseState> ReadAsync(CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            SELECT current_setting('server_version'),
                   (SELECT extversion FROM pg_extension WHERE extname = 'vector'),
                   current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
            """);
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        var (server, vector, connections) = (row.GetString(0), row.IsDBNull(1) ? null : row.GetString(1), row.GetInt32(2));
        await row.CloseAsync();
        var applied = await new SchemaStore(db).ReadAsync(ct);
        return new DatabaseState(Database, server, vector, applied.Count == 0 ? 0 : applied[^1].Number, connections);
    }

    /// <summary>Opens the warm minimum and loads pgvector in each: a connection's first vector query costs 3.5 ms more.</summary>
    public async Task WarmAsync(CancellationToken ct)
    {
        var least = new NpgsqlConnectionStringBuilder(db.ConnectionString).MinPoolSize;
        var connections = new List<NpgsqlConnection>();
        try
        {
            for (var i = 0; i < Math.Max(1, least); i++)
            {
                var connection = await db.OpenConnectionAsync(ct);
                connections.Add(connection);
                await using var command = new NpgsqlCommand("SELECT '[1]'::halfvec <=> '[1]'::halfvec", connection);
                await command.ExecuteScalarAsync(ct);
            }
        }
        finally
        {
            foreach (var connection in connections)
            {
                await connection.DisposeAsync();
            }
        }
    }
}
