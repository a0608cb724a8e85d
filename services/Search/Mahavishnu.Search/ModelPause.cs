namespace Mahavishnu.Search;

/// <summary>After a failure a model is left alone for a moment, and then one question finds out for all whether it answers again: else every search would wait for it in vain.</summary>
internal sealed class ModelPause(TimeProvider time)
{
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private string? _reason;
    private long _since;
    private bool _asking;

    /// <returns>False: go on without. True: ask, and say how it went.</returns>
    public bool TryEnter()
    {
        lock (_lock)
        {
            if (_reason is null)
            {
                return true;
            }

            if (_asking || time.GetElapsedTime(_since) < Length)
            {
                return false;
            }

            return _asking = true;
        }
    }

    /// <summary>The model failed: the pause begins (again).</summary>
    /// <returns>True where that is news.</returns>
    public bool Begin(string reason)
    {
        lock (_lock)
        {
            var news = _reason != reason;
            (_reason, _since, _asking) = (reason, time.GetTimestamp(), false);
            return news;
        }
    }

    /// <summary>The model answered.</summary>
    /// <returns>True where that is news.</returns>
    public bool Over()
    {
        lock (_lock)
        {
            var news = _reason is not null;
            (_reason, _asking) = (null, false);
            return news;
        }
    }
}
