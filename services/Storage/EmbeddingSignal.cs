namespace Mahavishnu.Storage;

/// <summary>Wakes this process's embedding worker when a write has been committed; other processes find it by looking.</summary>
public sealed class EmbeddingSignal
{
    private volatile TaskCompletionSource _raised = New();

    public void Raise() => Interlocked.Exchange(ref _raised, New()).TrySetResult();

    /// <summary>Completes at the next <see cref="Raise"/>, or after <paramref name="atMost"/>.</summary>
    public async Task WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken ct)
    {
        try
        {
            await _raised.Task.WaitAsync(atMost, time, ct);
        }
        catch (TimeoutException)
        {
            // Nothing here; perhaps another process wrote.
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
