using Npgsql;

namespace Mahavishnu.Benchmarks;

/// <summary>Who is connected to the database, as the database sees it.</summary>
internal sealed class ConnectionCountStore(NpgsqlDataSource db)
{
    /// <summary>Connections to it but the one that asks.</summary>
    public async Task<int> CountAsync(CancellationToken ct)
    {
        await using var command = db.CreateCommand(
            "SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()");
        return (int)(await command.ExecuteScalarAsync(ct))!;
    }
}
