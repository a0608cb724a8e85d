namespace Mahavishnu.Storage;

/// <summary>
/// A token that ends a while after another one. A claim is not broken off in the middle: the server may have made it by then, and what is claimed by
/// nobody who knows of it lies idle until its lease is over.
/// </summary>
internal sealed class Grace : IDisposable
{
    private static readonly TimeSpan Given = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _source = new();
    private readonly CancellationTokenRegistration _ending;

    /// <exception cref="OperationCanceledException">It has ended already.</exception>
    public Grace(CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        _ending = ct.UnsafeRegister(static source => ((CancellationTokenSource)source!).CancelAfter(Given), _source);
    }

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        _ending.Dispose();
        _source.Dispose();
    }
}
