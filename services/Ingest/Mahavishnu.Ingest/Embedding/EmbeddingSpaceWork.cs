using Mahavishnu.Embeddings;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest;

/// <summary>One space as this process works for it: how much at a time, and whether its model is left alone for a moment. Safe for many workers.</summary>
internal sealed class EmbeddingSpaceWork(EmbeddingSpace space, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(8);

    private readonly Lock _lock = new();
    private SemaphoreSlim _gate = new(1, 1);
    private TimeSpan _pause = FirstPause;
    private long _pausedAt;
    private bool _stopped;
    private bool _onTrial;

    /// <summary>As it was when it was last looked at.</summary>
    public EmbeddingSpace Space { get; set; } = space;

    /// <summary>Calls that the model takes at a time; 1 while nobody has asked.</summary>
    public int Concurrency { get; private set; } = 1;

    /// <summary>Admits as many calls as the model takes at a time.</summary>
    public SemaphoreSlim Gate => Volatile.Read(ref _gate);

    /// <summary>The model was in trouble when it was last tried.</summary>
    public bool Stopped
    {
        get
        {
            lock (_lock)
            {
                return _stopped;
            }
        }
    }

    /// <summary>Asks to work for the space. While its model is in trouble nobody may, and after a pause one at a time, to try; <see cref="Leave"/> ends it.</summary>
    public bool TryEnter()
    {
        lock (_lock)
        {
            if (!_stopped)
            {
                return true;
            }

            if (_onTrial || time.GetElapsedTime(_pausedAt) < _pause)
            {
                return false;
            }

            return _onTrial = true;
        }
    }

    public void Leave()
    {
        lock (_lock)
        {
            _onTrial = false;
        }
    }

    /// <summary>The model is there.</summary>
    public void Opened(EmbeddingClient client)
    {
        lock (_lock)
        {
            if (Concurrency != client.Concurrency)
            {
                // Who holds a place in the old gate gives it back there.
                (Concurrency, _gate) = (client.Concurrency, new SemaphoreSlim(client.Concurrency, client.Concurrency));
            }
        }
    }

    /// <summary>The model cannot be used: it is left alone, longer each time.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            if (!_stopped)
            {
                _pause = FirstPause;
            }
            else if (_onTrial)
            {
                _pause = _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
            }
            else
            {
                // Several were at work when it stopped: once is enough.
                return;
            }

            (_stopped, _pausedAt) = (true, time.GetTimestamp());
        }
    }

    /// <summary>The model has embedded something.</summary>
    public void Go()
    {
        lock (_lock)
        {
            _stopped = false;
        }
    }

    public void Dispose() => _gate.Dispose();
}
