namespace Mahavishnu.Storage;

/// <summary>Wakes this process's embedding worker when a write has been committed; other processes find it by looking.</summary>
public sealed class EmbeddingSignal
{
    private volatile TaskCompletionSource _raised = New();

    public void Raise() => Interlocked.Exchange(ref _raised, New()).TrySetResult();

    /// <summary>Completes at the next <see cref="Raise"/>. Taken before looking into the queue, no write between the look and the wait is missed.</summary>
    public Task Next => _raised.Task;

    /// <summary>Completes at the next <see cref="Raise"/>, or after <paramref name="atMost"/>.</summary>
    public Task WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken ct) => WaitAsync(Next, atMost, time, ct);

    /// <summary>Completes with <paramref name="next"/> (an earlier <see cref="Next"/>), or after <paramref name="atMost"/>.</summary>
    public static async Task WaitAsync(Task next, TimeSpan atMost, TimeProvider time, CancellationToken ct)
    {
        try
        {
            await next.WaitAsync(atMost, time, ct);
        }
        catch (TimeoutException)
        {
            // Nothing here; perhaps another process wrote.
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
