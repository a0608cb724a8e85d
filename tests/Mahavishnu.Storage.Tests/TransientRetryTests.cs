using System.Net.Sockets;
using Npgsql;

namespace Mahavishnu.Storage.Tests;

/// <summary>What is tried again, how often, and what is not.</summary>
public sealed class TransientRetryTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(PostgresErrorCodes.DeadlockDetected, true)]
    [InlineData(PostgresErrorCodes.SerializationFailure, true)]
    [InlineData(PostgresErrorCodes.AdminShutdown, true)]
    [InlineData(PostgresErrorCodes.CrashShutdown, true)]
    [InlineData(PostgresErrorCodes.CannotConnectNow, true)]
    [InlineData(PostgresErrorCodes.TooManyConnections, false)]
    [InlineData(PostgresErrorCodes.UniqueViolation, false)]
    [InlineData(PostgresErrorCodes.UndefinedTable, false)]
    [InlineData(PostgresErrorCodes.InvalidPassword, false)]
    public void A_state_of_the_server_passes_or_does_not(string state, bool passes) => Assert.Equal(passes, TransientRetry.IsTransient(Server(state)));

    [Fact]
    public void A_broken_connection_passes_and_a_full_pool_does_not()
    {
        Assert.True(TransientRetry.IsTransient(new NpgsqlException("broken", new IOException("reset"))));
        Assert.True(TransientRetry.IsTransient(new NpgsqlException("refused", new SocketException((int)SocketError.ConnectionRefused))));
        Assert.False(TransientRetry.IsTransient(new NpgsqlException("The connection pool has been exhausted", new TimeoutException())));
    }

    [Fact]
    public async Task What_passes_is_tried_until_it_works()
    {
        var attempts = 0;

        var result = await TransientRetry.RunAsync(_ => ++attempts < 3 ? throw Server(PostgresErrorCodes.DeadlockDetected) : Task.FromResult("done"), Ct);

        Assert.Equal(("done", 3), (result, attempts));
    }

    [Fact]
    public async Task What_does_not_pass_in_time_is_the_callers()
    {
        var attempts = 0;

        await Assert.ThrowsAsync<PostgresException>(() => TransientRetry.RunAsync<int>(
            _ =>
            {
                attempts++;
                throw Server(PostgresErrorCodes.DeadlockDetected);
            },
            Ct));

        Assert.Equal(TransientRetry.MaxAttempts, attempts);
    }

    [Fact]
    public async Task What_is_wrong_for_good_is_not_tried_again()
    {
        var attempts = 0;

        await Assert.ThrowsAsync<PostgresException>(() => TransientRetry.RunAsync<int>(
            _ =>
            {
                attempts++;
                throw Server(PostgresErrorCodes.UniqueViolation);
            },
            Ct));

        Assert.Equal(1, attempts);
    }

    [Fact]
    public async Task What_may_have_counted_is_not_tried_again()
    {
        var attempts = 0;

        await Assert.ThrowsAsync<PostgresException>(() => TransientRetry.RunAsync<int>(
            _ =>
            {
                attempts++;
                throw Server(PostgresErrorCodes.DeadlockDetected);
            },
            Ct,
            again: () => attempts < 2));

        Assert.Equal(2, attempts);
    }

    [Fact]
    public async Task Nobody_waits_for_an_attempt_that_was_cancelled()
    {
        using var impatience = CancellationTokenSource.CreateLinkedTokenSource(Ct);

        await Assert.ThrowsAsync<PostgresException>(() => TransientRetry.RunAsync<int>(
            async _ =>
            {
                await impatience.CancelAsync();
                throw Server(PostgresErrorCodes.DeadlockDetected);
            },
            impatience.Token));
    }

    [Fact]
    public void The_pauses_grow_and_are_spread()
    {
        Assert.Equal([20, 40, 80], Enumerable.Range(1, 3).Select(i => TransientRetry.Delay(i, jitter: 0).TotalMilliseconds));
        Assert.Equal([60, 120, 240], Enumerable.Range(1, 3).Select(i => Math.Round(TransientRetry.Delay(i, jitter: 0.999999).TotalMilliseconds)));
    }

    private static PostgresException Server(string state) => new("no", "ERROR", "ERROR", state);
}
