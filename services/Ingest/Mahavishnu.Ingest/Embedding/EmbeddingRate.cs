using System.Collections.Concurrent;

namespace Mahavishnu.Ingest;

/// <summary>How many memories this process has embedded over the last minute, for each space.</summary>
internal sealed class EmbeddingRate(TimeProvider time)
{
    private const int Seconds = 60;

    private readonly ConcurrentDictionary<short, Window> _spaces = [];

    public void Add(short space, int memories)
    {
        if (memories > 0)
        {
            _spaces.GetOrAdd(space, _ => new Window()).Add(Now(), memories);
        }
    }

    /// <returns>Per second, since the first within the last minute; null where there was none.</returns>
    public double? Of(short space) => _spaces.TryGetValue(space, out var window) ? window.PerSecond(Now()) : null;

    private long Now() => (long)time.GetElapsedTime(0).TotalSeconds;

    private sealed class Window
    {
        private readonly Lock _gate = new();
        private readonly (long Second, long Count)[] _ring = new (long, long)[Seconds];

        public void Add(long second, int count)
        {
            lock (_gate)
            {
                ref var slot = ref _ring[second % Seconds];
                slot = (second, slot.Second == second ? slot.Count + count : count);
            }
        }

        public double? PerSecond(long now)
        {
            lock (_gate)
            {
                var recent = _ring.Where(s => s.Count > 0 && s.Second > now - Seconds).ToList();
                return recent.Count == 0 ? null : Math.Round(recent.Sum(s => s.Count) / (double)(now - recent.Min(s => s.Second) + 1), 1);
            }
        }
    }
}
