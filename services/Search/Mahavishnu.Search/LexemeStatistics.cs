using Microsoft.Extensions.Logging;

namespace Mahavishnu.Search;

/// <summary>The word frequencies as this process knows them: half a minute old at most while searches come, renewed beside them.</summary>
internal sealed partial class LexemeStatistics(LexemeStore store, TimeProvider time, ILogger<LexemeStatistics> logger)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(30);

    private volatile LexemeIndex? _current;
    private long _readAt;
    private int _reading;

    /// <summary>What is known; the first caller waits for it, the others take it as it is.</summary>
    public async ValueTask<LexemeFrequencies> GetAsync(CancellationToken ct) => (await IndexAsync(ct)).All;

    /// <summary>What is known of the words of a question, and perhaps of others.</summary>
    public async ValueTask<LexemeFrequencies> GetAsync(Question question, CancellationToken ct)
    {
        var index = await IndexAsync(ct);
        return question.Asked is { Prefix: null or { Length: > 1 } } asked ? index.Among(asked.Words) : index.All;
    }

    private async ValueTask<LexemeIndex> IndexAsync(CancellationToken ct)
    {
        if (_current is not { } known)
        {
            await RenewAsync(ct);
            return _current!;
        }

        if (time.GetElapsedTime(Interlocked.Read(ref _readAt)) > Fresh && Interlocked.Exchange(ref _reading, 1) == 0)
        {
            // Nobody waits for it; the search goes on with what is known.
            _ = RenewInBackgroundAsync();
        }

        return known;
    }

    /// <summary>Reads them now.</summary>
    public async Task<LexemeFrequencies> RenewAsync(CancellationToken ct)
    {
        var read = await store.ReadAsync(ct);
        _current = new LexemeIndex(read);
        Interlocked.Exchange(ref _readAt, time.GetTimestamp());
        return read;
    }

    private async Task RenewInBackgroundAsync()
    {
        try
        {
            await RenewAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is Npgsql.NpgsqlException or TimeoutException or ObjectDisposedException or InvalidOperationException)
        {
            NotRenewed(logger, e.Message);
        }
        finally
        {
            Interlocked.Exchange(ref _reading, 0);
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Word frequencies were not renewed: {Reason}")]
    private static partial void NotRenewed(ILogger logger, string reason);
}
