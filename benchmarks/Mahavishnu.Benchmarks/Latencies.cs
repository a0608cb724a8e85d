using System.Collections.Concurrent;
using System.Diagnostics;

namespace Mahavishnu.Benchmarks;

/// <summary>How long each of many calls took, in milliseconds.</summary>
internal sealed class Latencies(IEnumerable<double> milliseconds, TimeSpan within)
{
    private readonly double[] _sorted = [.. milliseconds.Order()];

    public int Count => _sorted.Length;

    public double PerSecond => Count / within.TotalSeconds;

    /// <summary>The time within which such a share of the calls was done.</summary>
    public double Percentile(double share) => _sorted[Math.Min(Count - 1, (int)(Count * share))];

    /// <summary>So many clients, each calling again as soon as it has its answer, until the time is over; each calls once at least.</summary>
    /// <param name="call">Is given the number of the call, from 0.</param>
    public static async Task<Latencies> OfClientsAsync(int clients, TimeSpan duration, Func<int, CancellationToken, Task> call, CancellationToken ct)
    {
        var times = new ConcurrentBag<double>();
        var calls = -1;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(
            async () =>
            {
                do
                {
                    var since = Stopwatch.GetTimestamp();
                    await call(Interlocked.Increment(ref calls), ct);
                    times.Add(Stopwatch.GetElapsedTime(since).TotalMilliseconds);
                }
                while (clock.Elapsed < duration);
            },
            ct)));
        return new Latencies(times, clock.Elapsed);
    }

    /// <summary>Two ways of doing the same, one call at a time and by turns, so that what else the machine does falls on both alike.</summary>
    public static async Task<(Latencies One, Latencies Other)> OfTurnsAsync(int turns, Func<int, CancellationToken, Task> one, Func<int, CancellationToken, Task> other, CancellationToken ct)
    {
        var (first, second) = (new List<double>(turns), new List<double>(turns));
        for (var turn = 0; turn < turns; turn++)
        {
            // Each goes first as often as the other: whoever comes second finds the pages of the question in memory.
            if (turn % 2 == 0)
            {
                first.Add(await TimeAsync(one, turn, ct));
                second.Add(await TimeAsync(other, turn, ct));
            }
            else
            {
                second.Add(await TimeAsync(other, turn, ct));
                first.Add(await TimeAsync(one, turn, ct));
            }
        }

        return (new Latencies(first, TimeSpan.FromMilliseconds(first.Sum())), new Latencies(second, TimeSpan.FromMilliseconds(second.Sum())));
    }

    private static async Task<double> TimeAsync(Func<int, CancellationToken, Task> call, int number, CancellationToken ct)
    {
        var since = Stopwatch.GetTimestamp();
        await call(number, ct);
        return Stopwatch.GetElapsedTime(since).TotalMilliseconds;
    }
}
