using Mahavishnu.Storage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Mahavishnu.Migration;

/// <summary>The run-once job: wait for the server, apply what is missing, say what was done.</summary>
internal sealed class SchemaUpgrade(SchemaStore schema, DatabaseStateStore state, IOptions<MigrationOptions> options, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    public async Task<int> RunAsync(TextWriter output, TextWriter errors, CancellationToken ct)
    {
        await output.WriteLineAsync($"Upgrading the schema of {state.Database}");
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                var applied = await schema.UpgradeAsync(ct);
                foreach (var migration in applied)
                {
                    await output.WriteLineAsync(FormattableString.Invariant($"  applied {migration.Number:0000} {migration.Name}"));
                }

                await output.WriteLineAsync(FormattableString.Invariant($"The schema is at version {SchemaStore.ProgramVersion}."));
                return 0;
            }
            catch (SchemaException e)
            {
                await errors.WriteLineAsync(e.Message);
                return 1;
            }
            catch (NpgsqlException e) when (IsStarting(e) && time.GetElapsedTime(started) < TimeSpan.FromSeconds(options.Value.WaitSeconds))
            {
                await Task.Delay(Pause, time, ct);
            }
            catch (NpgsqlException e)
            {
                await errors.WriteLineAsync($"The schema of {state.Database} could not be upgraded: {e.Message}");
                return 1;
            }
        }
    }

    /// <summary>Not there yet, or there and not yet taking connections. A wrong password or a broken statement does not mend itself.</summary>
    private static bool IsStarting(NpgsqlException e) => e switch
    {
        PostgresException postgres => postgres.SqlState is PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.TooManyConnections,
        _ => e.IsTransient,
    };
}
