using System.Globalization;

namespace Mahavishnu.Benchmarks;

/// <summary>How long to look.</summary>
/// <param name="Duration">Of each number of clients.</param>
/// <param name="Rounds">How often one client asks all questions.</param>
/// <param name="Questions">How many there are: of fewer than all of them, a p95 says little.</param>
internal sealed record Thoroughness(TimeSpan Duration, int Rounds, int Questions)
{
    /// <param name="usual">Seconds, and rounds, where nothing else was asked for.</param>
    public static Thoroughness Of(BenchmarkArguments arguments, int usual = 5) => new(
        TimeSpan.FromSeconds(arguments.Number("seconds", usual)), arguments.Number("rounds", usual), Math.Clamp(arguments.Number("questions", SyntheticQuestion.Count), 1, SyntheticQuestion.Count));
}

/// <summary>What is said of every kind of search: one client's latency, many clients' throughput, and what the gateway adds.</summary>
internal static class SearchFigures
{
    /// <summary>Numbers of clients.</summary>
    public static readonly IReadOnlyList<int> Throughput = [1, 16, 64];

    // The clients whose throughput is promised.
    private const int Promised = 16;

    /// <param name="p95">Milliseconds promised to one client; null: nothing is, nor what the gateway may add.</param>
    /// <param name="many">Milliseconds promised to each of 16 clients.</param>
    public static async Task<IReadOnlyList<Figure>> MeasureAsync(
        string name, SearchLoad load, Thoroughness looks, IReadOnlyList<int> clients, double? p95, double? many, CancellationToken ct)
    {
        await Progress.SayAsync(name);
        var (bare, gateway) = await load.ByTurnsAsync(looks.Rounds, ct);
        var figures = new List<Figure>
        {
            new($"{name}: bare p50", bare.Percentile(0.5), "ms"),
            new($"{name}: bare p95", bare.Percentile(0.95), "ms"),
            new($"{name}: bare p99", bare.Percentile(0.99), "ms"),
            new($"{name}: gateway p50", gateway.Percentile(0.5), "ms"),
            new($"{name}: gateway p95", gateway.Percentile(0.95), "ms", AtMost: p95),
            new($"{name}: gateway p99", gateway.Percentile(0.99), "ms"),
            new($"{name}: gateway p50 over bare", gateway.Percentile(0.5) - bare.Percentile(0.5), "ms", AtMost: p95 is null ? null : 3),
        };
        foreach (var count in clients)
        {
            var (bareMany, gatewayMany) = await load.ByManyAsync(count, looks.Duration, ct);
            var at = string.Create(CultureInfo.InvariantCulture, $"{name}, {count} clients");
            figures.AddRange(
            [
                new($"{at}: bare", bareMany.PerSecond, "q/s"),
                new($"{at}: gateway", gatewayMany.PerSecond, "q/s"),
                new($"{at}: gateway : bare", gatewayMany.PerSecond / bareMany.PerSecond, "×", AtLeast: count == Promised && p95 is not null ? 0.35 : null),
                new($"{at}: gateway p95", gatewayMany.Percentile(0.95), "ms", AtMost: count == Promised ? many : null),
            ]);
        }

        figures.Add(new Figure($"{name}: load of the machine then", Machine.Load(), "processes"));
        return figures;
    }
}
