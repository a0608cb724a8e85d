using System.Text.Json;
using Mahavishnu.Contracts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.Storage;

/// <summary>Work of one kind that outlives a request. It may be begun again at any time after a crash, so it must continue from what is stored.</summary>
public interface IOperationHandler
{
    /// <summary>One of <see cref="OperationKinds"/>.</summary>
    string Kind { get; }

    /// <summary>True for work that mostly waits for others: it takes no place from work that does not.</summary>
    bool Waits => false;

    /// <summary>Does the work.</summary>
    /// <param name="run">What to do, and where to report.</param>
    /// <param name="ct">Cancelled when the operation is, when the claim is lost, and when the process stops.</param>
    /// <returns>The operation's <c>result</c>; null for none.</returns>
    /// <exception cref="OperationFailedException">The work failed for a reason the caller should read.</exception>
    Task<object?> RunAsync(OperationRun run, CancellationToken ct);
}

/// <summary>A failure worth telling: its code and message become the operation's error.</summary>
public sealed class OperationFailedException(string code, string message) : Exception(message)
{
    public string Code { get; } = code;
}

/// <summary>One operation in the hands of its handler.</summary>
public sealed class OperationRun(ClaimedOperation operation)
{
    private OperationProgress _progress = new(0, null, "items", null, null);

    public Guid Id => operation.Id;

    public string Subject => operation.Subject;

    /// <summary>From 1; more than 1 when an earlier worker died or was stopped.</summary>
    public int Attempt => operation.Attempt;

    /// <summary>Who asked for it: <see cref="TraceText"/>.</summary>
    public string? Trace => operation.Trace;

    /// <summary>The input as the type it was started with.</summary>
    public T Input<T>() => operation.Input.Deserialize<T>(WireJson.Lenient)!;

    /// <summary>Says how far the work is. Cheap: the worker stores the newest state with its heartbeat.</summary>
    public void Report(long done, long? total, string unit, string? message = null) =>
        Volatile.Write(ref _progress, new OperationProgress(done, total, unit, null, message));

    internal OperationProgress Progress => Volatile.Read(ref _progress);

    /// <summary>The database was away for longer than the claim holds: nobody cancelled the work, somebody goes on with it.</summary>
    internal bool LeaseLost { get; set; }
}

/// <summary>Runs the operations that this process has handlers for; N processes share them by claims.</summary>
internal sealed partial class OperationWorker(
    OperationStore store, IEnumerable<IOperationHandler> handlers, TimeProvider time, ILogger<OperationWorker> logger) : BackgroundService
{
    // A worker killed without a word is replaced after one lease; the heartbeat renews it long before.
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Heartbeat = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Idle = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromSeconds(2);
    private const int AtOnce = 2;
    private const int WaitingAtOnce = 16;

    // Workers that died over one operation before it is called the operation's fault.
    private const int MaxAttempts = 20;

    private readonly Dictionary<string, IOperationHandler> _handlers = handlers.ToDictionary(h => h.Kind, StringComparer.Ordinal);
    private readonly List<(Task Task, bool Waits)> _running = [];
    private readonly TaskCompletionSource _claimedLast = new();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                _running.RemoveAll(r => r.Task.IsCompleted);
                var claimed = Wanted() is { Count: > 0 } kinds ? await store.ClaimAsync(kinds, Lease, stoppingToken) : null;
                if (claimed is not null)
                {
                    _running.Add((RunAsync(claimed, stoppingToken), _handlers[claimed.Kind].Waits));
                    continue;
                }

                await Task.Delay(Idle, time, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (System.Data.Common.DbException e)
            {
                DatabaseTrouble(logger, e.Message);
                await Task.Delay(AfterTrouble, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        _claimedLast.SetResult();
        await Task.WhenAll(_running.Select(r => r.Task));
    }

    /// <summary>The kinds of which another operation may begin now.</summary>
    private List<string> Wanted() =>
        [.. _handlers.Values.Where(h => _running.Count(r => r.Waits == h.Waits) < (h.Waits ? WaitingAtOnce : AtOnce)).Select(h => h.Kind)];

    private async Task RunAsync(ClaimedOperation claimed, CancellationToken stopping)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var run = new OperationRun(claimed);
        var pulse = PulseAsync(claimed, run, stop);
        var (state, result, error) = await AttemptAsync(claimed, run, stop.Token, stopping);
        await stop.CancelAsync();
        await pulse;
        try
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10), time);
            if (state is null)
            {
                if (stopping.IsCancellationRequested)
                {
                    // A claim still on its way must not take back what is handed over.
                    await _claimedLast.Task.WaitAsync(patience.Token);
                }

                await store.ReleaseAsync(claimed, patience.Token);
            }
            else
            {
                await store.FinishAsync(claimed, state, run.Progress, result, error, patience.Token);
            }
        }
        catch (Exception e) when (e is System.Data.Common.DbException or OperationCanceledException)
        {
            // The lease runs out and somebody continues.
            DatabaseTrouble(logger, e.Message);
        }
    }

    /// <returns>The final state, or null where the process is stopping and the work goes on elsewhere.</returns>
    private async Task<(string? State, object? Result, OperationError? Error)> AttemptAsync(ClaimedOperation claimed, OperationRun run, CancellationToken ct, CancellationToken stopping)
    {
        // What mostly waits asks the database again and again, for hours: no trace is made of that.
        using var span = _handlers[claimed.Kind].Waits ? null : StorageTelemetry.Operation(claimed);
        var ended = await HandleAsync(claimed, run, ct, stopping);
        StorageTelemetry.Ended(span, ended.State, ended.Error);
        return ended;
    }

    private async Task<(string? State, object? Result, OperationError? Error)> HandleAsync(ClaimedOperation claimed, OperationRun run, CancellationToken ct, CancellationToken stopping)
    {
        if (claimed.Attempt > MaxAttempts)
        {
            return (OperationStates.Failed, null, new OperationError(ErrorCodes.Internal, $"Given up after {MaxAttempts} attempts, each of which ended with its process."));
        }

        try
        {
            ct.ThrowIfCancellationRequested();
            Started(logger, claimed.Kind, claimed.Subject, claimed.Attempt);
            return (OperationStates.Completed, await _handlers[claimed.Kind].RunAsync(run, ct), null);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return stopping.IsCancellationRequested || run.LeaseLost ? (null, null, null) : (OperationStates.Cancelled, null, new OperationError(ErrorCodes.Cancelled, "Cancelled."));
        }
        catch (OperationFailedException e)
        {
            return (OperationStates.Failed, null, new OperationError(e.Code, e.Message));
        }
        catch (Npgsql.NpgsqlException e) when (TransientRetry.IsTransient(e))
        {
            // The database went away, not the work: it is taken up again when the database is back.
            DatabaseTrouble(logger, e.Message);
            await Task.Delay(AfterTrouble, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return (null, null, null);
        }
        catch (Exception e) when (stopping.IsCancellationRequested)
        {
            // What is broken off does not always say so; whoever goes on meets the same failure if it is one.
            HandedOver(logger, claimed.Kind, claimed.Subject, e.Message);
            return (null, null, null);
        }
        catch (Exception e)
        {
            // Whatever a handler throws must end its operation, not the worker.
            Failed(logger, e, claimed.Kind, claimed.Subject);
            return (OperationStates.Failed, null, new OperationError(ErrorCodes.Internal, e.Message));
        }
    }

    private async Task PulseAsync(ClaimedOperation claimed, OperationRun run, CancellationTokenSource stop)
    {
        var renewed = time.GetTimestamp();
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(Heartbeat, time, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                if (!stop.IsCancellationRequested && !await store.ReportAsync(claimed, run.Progress, Lease, stop.Token))
                {
                    await stop.CancelAsync();
                }

                renewed = time.GetTimestamp();
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (System.Data.Common.DbException e)
            {
                DatabaseTrouble(logger, e.Message);
                // Past its lease the operation may be somebody else's already.
                if (time.GetElapsedTime(renewed) > Lease)
                {
                    run.LeaseLost = true;
                    await stop.CancelAsync();
                }
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Operation {Kind} {Subject} started (attempt {Attempt})")]
    private static partial void Started(ILogger logger, string kind, string subject, int attempt);

    [LoggerMessage(Level = LogLevel.Error, Message = "Operation {Kind} {Subject} failed")]
    private static partial void Failed(ILogger logger, Exception exception, string kind, string subject);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Operation {Kind} {Subject} is handed over: {Reason}")]
    private static partial void HandedOver(ILogger logger, string kind, string subject, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Operations wait for the database: {Reason}")]
    private static partial void DatabaseTrouble(ILogger logger, string reason);
}
