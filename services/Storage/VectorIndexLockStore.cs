using System.Data;
using System.Globalization;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>
/// Lets one at a time, of all processes, change the indexes of a space's vectors. CREATE and DROP INDEX CONCURRENTLY wait for each other's transactions
/// while they hold their locks on the table: two at once of one table are a deadlock, and PostgreSQL ends one of them.
/// </summary>
internal sealed class VectorIndexLockStore : IAsyncDisposable
{
    // "mahi" as bytes; the lock's second number is the space's.
    private const int Indexes = 0x6d616869;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly NpgsqlDataSource _db;

    private VectorIndexLockStore(NpgsqlDataSource db, NpgsqlConnection connection) => (_db, Connection) = (db, connection);

    /// <summary>The session that holds the lock. It does the work, too: were this process killed in the middle of a statement, the lock would stay until PostgreSQL is through with it.</summary>
    public NpgsqlConnection Connection { get; }

    /// <summary>Waits until nobody else has it.</summary>
    /// <exception cref="OperationCanceledException">The wait was cancelled; nothing is held.</exception>
    public static async Task<VectorIndexLockStore> TakeAsync(NpgsqlDataSource db, EmbeddingSpace space, CancellationToken ct)
    {
        var taken = new VectorIndexLockStore(db, await db.OpenConnectionAsync(ct));
        try
        {
            // Asks again instead of waiting in the statement: a waiting statement has a snapshot, and CREATE INDEX CONCURRENTLY waits for that to go away.
            while (!await taken.TryAsync(space, ct))
            {
                await Task.Delay(Pause, ct);
            }

            return taken;
        }
        catch
        {
            // A request that was cancelled may have been granted all the same.
            await taken.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether somebody has it now.</summary>
    public static async Task<bool> IsTakenAsync(NpgsqlDataSource db, EmbeddingSpace space, CancellationToken ct)
    {
        await using var command = SqlText.Command($"""
            SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND classid = {Indexes.ToString(CultureInfo.InvariantCulture)} AND objid = {space.Subject} AND objsubid = 2)
            """, db);
        return await command.ExecuteScalarAsync(ct) is true;
    }

    /// <summary>Gives it back.</summary>
    public async ValueTask DisposeAsync()
    {
        // Said and not left to the pool, which resets a session when somebody uses it again and not before. Of a connection that is gone the lock is, too.
        if (Connection.State == ConnectionState.Open)
        {
            try
            {
                await using var command = new NpgsqlCommand("SELECT pg_advisory_unlock_all()", Connection);
                await command.ExecuteNonQueryAsync(CancellationToken.None);
            }
            catch (NpgsqlException)
            {
                // The pool closes what it had when it was cleared, this session among them, and with the session goes the lock.
                _db.Clear();
            }
        }

        await Connection.DisposeAsync();
    }

    private async Task<bool> TryAsync(EmbeddingSpace space, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("SELECT pg_try_advisory_lock($1, $2)", Connection);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = Indexes });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = space.Id });
        return await command.ExecuteScalarAsync(ct) is true;
    }
}
