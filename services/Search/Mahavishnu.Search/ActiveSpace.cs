using Mahavishnu.Storage;

namespace Mahavishnu.Search;

/// <summary>The active embedding space as this process knows it: a second old at most, and every search finds out whether it still is.</summary>
internal sealed class ActiveSpace(EmbeddingSpaceStore spaces, TimeProvider time)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private volatile Known? _known;

    /// <returns>Null while there is none.</returns>
    public async ValueTask<EmbeddingSpace?> GetAsync(CancellationToken ct) =>
        _known is { } known && time.GetElapsedTime(known.ReadAt) <= Fresh ? known.Space : await ReadAsync(ct);

    /// <summary>Asks the database, whatever is known.</summary>
    public async Task<EmbeddingSpace?> ReadAsync(CancellationToken ct)
    {
        var space = await spaces.FindActiveAsync(ct);
        // "None" is not kept: the first memory's vector makes the space, and who saw that it is ready may ask for it at once.
        _known = space is null ? null : new Known(space, time.GetTimestamp());
        return space;
    }

    /// <summary>What was known turned out to be wrong.</summary>
    public void Forget() => _known = null;

    private sealed record Known(EmbeddingSpace Space, long ReadAt);
}
