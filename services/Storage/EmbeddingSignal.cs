namespace Mahavishnu.Storage;

/// <summary>Wakes this process's embedding worker when a write has been committed; other processes find it by looking.</summary>
public sealed class EmbeddingSignal
{
    private volatile TaskCompletionSource _raised = New();

    public void Raise() => Interlocked.Exchange(ref _raised, New()).TrySetResult();

    /// <summary>Completes at the next <see cref="Raise"/>. Taken before looking into the queue, no write between the look and the wait is missed.</summary>
    public Task Next => _raised.Task;

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
