using Mahavishnu.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Search;

/// <summary>
/// Lets only so many searches into the database at once (<see cref="SearchOptions.Concurrency"/>); the others wait in line. More at once would not be answered sooner, only less evenly,
/// as they share the same cores.
/// </summary>
internal sealed class SearchGate : IDisposable
{
    // As many as are being answered may wait before it counts as a crowd.
    private readonly int _crowd;
    private readonly SemaphoreSlim _places;
    private readonly TimeSpan _patience;
    private int _waiting;

    public SearchGate(IOptions<SearchOptions> options)
    {
        _crowd = options.Value.Concurrency ?? Math.Max(4, 2 * Environment.ProcessorCount);
        _places = new SemaphoreSlim(_crowd, _crowd);
        _patience = TimeSpan.FromSeconds(options.Value.WaitSeconds);
    }

    /// <summary>Searches that wait for their turn.</summary>
    internal int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Waits for its turn, first come, first served.</summary>
    /// <returns>The place; leaving it lets the next one in.</returns>
    /// <exception cref="TooBusyException">It took longer than <see cref="SearchOptions.WaitSeconds"/>.</exception>
    public async ValueTask<Place> EnterAsync(CancellationToken ct)
    {
        Interlocked.Increment(ref _waiting);
        try
        {
            if (!await _places.WaitAsync(_patience, ct))
            {
                throw new TooBusyException(FormattableString.Invariant($"More is being searched than can be answered: this one waited {_patience.TotalSeconds:0} seconds for its turn."));
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }

        return new Place(_places, Crowded: Waiting >= _crowd);
    }

    public void Dispose() => _places.Dispose();

    /// <param name="Crowded">Whether at least as many wait as are being answered.</param>
    internal readonly record struct Place(SemaphoreSlim Places, bool Crowded) : IDisposable
    {
        public void Dispose() => Places.Release();
    }
}
