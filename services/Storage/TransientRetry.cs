using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>Repeats idempotent work that failed for a reason that passes: a deadlock, a serialization failure, a connection that broke.</summary>
public static class TransientRetry
{
    /// <summary>Attempts in all.</summary>
    public const int MaxAttempts = 4;

    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(40);

    /// <summary>Runs <paramref name="work"/> until it ends well, fails for good, or has failed <see cref="MaxAttempts"/> times; waits 40, 80, 160 ms (± 50 %) between.</summary>
    /// <param name="work">Must be safe to run again after a commit whose answer was lost, or be guarded by <paramref name="again"/>.</param>
    /// <param name="again">Asked after a failure; false: what was done may have counted, so the failure is the caller's.</param>
    public static async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken ct, Func<bool>? again = null)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await work(ct);
            }
            catch (NpgsqlException e) when (attempt < MaxAttempts && IsTransient(e) && !ct.IsCancellationRequested && again?.Invoke() != false)
            {
                await Task.Delay(Delay(attempt, Random.Shared.NextDouble()), ct);
            }
        }
    }

    /// <summary>The pause after failed attempt <paramref name="attempt"/> (from 1): exponential, spread by <paramref name="jitter"/> in [0, 1) so that competitors do not meet again.</summary>
    public static TimeSpan Delay(int attempt, double jitter) => FirstDelay * Math.Pow(2, attempt - 1) * (0.5 + jitter);

    /// <summary>True for failures that may not happen again.</summary>
    public static bool IsTransient(NpgsqlException e) => e switch
    {
        // "Too many clients" and an exhausted pool get worse by asking again.
        PostgresException { SqlState: PostgresErrorCodes.TooManyConnections } => false,
        PostgresException { SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow } => true,
        { InnerException: TimeoutException } => false,
        _ => e.IsTransient,
    };
}
