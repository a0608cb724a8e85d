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
}
