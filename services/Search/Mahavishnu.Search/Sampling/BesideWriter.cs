using System.Threading.Channels;

namespace Mahavishnu.Search;

/// <summary>Writes things down beside the searches, in batches: no search waits for it, and none fails by it. What does not fit is not kept.</summary>
/// <param name="failed">Told how many were not kept, and why.</param>
internal sealed class BesideWriter<T>(Func<IReadOnlyCollection<T>, CancellationToken, Task> write, Action<int, string> failed, TimeProvider time)
{
    private const int MostWaiting = 256;

    private static readonly TimeSpan BetweenWrites = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(30);

    private readonly Channel<T> _waiting = Channel.CreateBounded<T>(new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    public void Offer(T item) => _waiting.Writer.TryWrite(item);

    /// <param name="keeps">False: nothing is kept any more, and what was kept before goes.</param>
    public async Task RunAsync(bool keeps, CancellationToken ct)
    {
        for (var gone = keeps; !gone && !ct.IsCancellationRequested; gone = await WriteAsync([], ct))
        {
        }

        var batch = new List<T>();
        while (await NextAsync(batch, ct))
        {
            await WriteAsync(batch, ct);
            batch.Clear();
            await Task.Delay(BetweenWrites, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> NextAsync(List<T> batch, CancellationToken ct)
    {
        try
        {
            if (!await _waiting.Reader.WaitToReadAsync(ct))
            {
                return false;
            }
        }
        catch (OperationCanceledException)
        {
            return false;
        }

        while (_waiting.Reader.TryRead(out var item))
        {
            batch.Add(item);
        }

        return true;
    }

    private async Task<bool> WriteAsync(IReadOnlyCollection<T> batch, CancellationToken ct)
    {
        try
        {
            await write(batch, ct);
            return true;
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            // A database that is away or older: these are not kept, and it is left alone for a while.
            failed(batch.Count, e.Message);
            await Task.Delay(AfterFailure, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return false;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
