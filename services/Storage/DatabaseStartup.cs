using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>Brings the database side up: says which one it is, checks schema and pool against it, warms the connections. A database that is away is waited for; a wrong one stays not ready and says why.</summary>
internal sealed partial class DatabaseStartup(
    NpgsqlDataSource db, SchemaStore schema, DatabaseStateStore state, TimeProvider time, ILogger<DatabaseStartup> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Why the database cannot be used yet; null once it can.</summary>
    public string? NotReady { get; private set; } = "The database has not answered yet.";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Using(logger, state.Database);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await schema.RequireCurrentAsync(stoppingToken);
                var server = await state.ReadAsync(stoppingToken);
                if (state.MaxPoolSize > server.MaxConnections)
                {
                    Refuse($"Database:MaxPoolSize is {state.MaxPoolSize}, but the server admits {server.MaxConnections} connections. Lower it, or raise max_connections.");
                }
                else
                {
                    await db.ReloadTypesAsync(stoppingToken);
                    await state.WarmAsync(stoppingToken);
                    NotReady = null;
                    Ready(logger, server.ServerVersion, server.PgvectorVersion ?? "none", server.SchemaVersion, state.MaxPoolSize);
                    return;
                }
            }
            catch (SchemaException e)
            {
                Refuse(e.Message);
            }
            catch (NpgsqlException e)
            {
                Refuse($"The database {state.Database} does not answer: {e.Message}");
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(Pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Refuse(string reason)
    {
        if (!string.Equals(NotReady, reason, StringComparison.Ordinal))
        {
            NotReady = reason;
            Waiting(logger, reason);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Using the database {Database}")]
    private static partial void Using(ILogger logger, string database);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Not ready: {Reason}")]
    private static partial void Waiting(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Database ready: PostgreSQL {Server}, pgvector {Pgvector}, schema {Schema}, up to {Pool} connections")]
    private static partial void Ready(ILogger logger, string server, string pgvector, int schema, int pool);
}
