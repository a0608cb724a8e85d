namespace Mahavishnu.Ingest;

/// <summary>The spaces of one provider, and who works for them: they share what the provider can do, so the active one comes first.</summary>
internal sealed class EmbeddingLane(string provider)
{
    private readonly List<Task> _workers = [];
    private volatile IReadOnlyList<EmbeddingSpaceWork> _works = [];
    private volatile int _wanted;
    private volatile bool _yields;
    private Task? _answered;

    public string Provider { get; } = provider;

    /// <summary>The first one first.</summary>
    public IReadOnlyList<EmbeddingSpaceWork> Works
    {
        get => _works;
        set => _works = value;
    }

    /// <summary>Somebody else needs the processor more: one claim at a time, one call at a time.</summary>
    public bool Yields
    {
        get => _yields;
        set => _yields = value;
    }

    public IReadOnlyList<Task> Workers => _workers;

    /// <summary>Makes workers up to a number; those beyond it rest.</summary>
    public void Grow(int wanted, Func<int, Task> start)
    {
        _wanted = wanted;
        while (_workers.Count < wanted)
        {
            _workers.Add(start(_workers.Count));
        }
    }

    /// <summary>Whether the worker of this number (from 0) is wanted now.</summary>
    public bool Has(int number) => number < (_yields ? Math.Min(1, _wanted) : _wanted);

    /// <summary>
    /// Whether a worker is to look into the queue after it was woken: of a memory written alone the first one makes sure, and the others would all ask the database to find nothing. Where
    /// there are more spaces, the worker that is kept for the first looks as well.
    /// </summary>
    /// <param name="signal">What woke it; not completed: the time did, and every worker looks.</param>
    public bool IsToLook(int number, Task signal) =>
        !signal.IsCompleted || (number == 0 && _works.Count > 1) || Interlocked.Exchange(ref _answered, signal) != signal;

    /// <summary>The spaces that a worker may work for. One worker is kept for the first: what is written now does not queue behind a space that is being filled.</summary>
    public IEnumerable<EmbeddingSpaceWork> Open(int number)
    {
        var works = _works;
        return number == 0 && _wanted > 1 && !_yields ? works.Take(1) : works;
    }
}
