using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Benchmarks;

/// <summary>One named benchmark. It measures; whether the figures are good enough is said by their bounds.</summary>
internal interface IBenchmark
{
    string Name { get; }

    Task<IReadOnlyList<Figure>> RunAsync(BenchmarkArguments arguments, CancellationToken ct);
}

/// <summary>A measured figure and, where the design promises one, its bound.</summary>
/// <param name="AtLeast">Null: no lower bound.</param>
/// <param name="AtMost">Null: no upper bound.</param>
internal sealed record Figure(string Name, double Value, string Unit, double? AtLeast = null, double? AtMost = null)
{
    public bool Holds => (AtLeast is not { } least || Value >= least) && (AtMost is not { } most || Value <= most);

    public string Bound => AtLeast is { } least ? $"≥ {Number(least)}" : AtMost is { } most ? $"≤ {Number(most)}" : "";

    public string Shown => Number(Value);

    // A recall is told to the thousandth, as it is promised.
    private static string Number(double value) => value.ToString(Math.Abs(value) switch { >= 100 => "N0", < 1 => "0.###", _ => "0.##" }, CultureInfo.InvariantCulture);
}

/// <summary>What was asked for.</summary>
/// <param name="Unrecorded">The figures are printed and not kept in docs/benchmarks.md.</param>
internal sealed record BenchmarkArguments(string Name, bool Json, bool Unrecorded, IReadOnlyDictionary<string, string> Options)
{
    public int Number(string option, int usual) =>
        Options.TryGetValue(option, out var text) ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : usual;

    public string CommandLine => $"dotnet run -c Release --project benchmarks/Mahavishnu.Benchmarks -- {Name}{(Json ? " --json" : "")}{string.Concat(Options.Select(o => $" --{o.Key} {o.Value}"))}";
}

/// <summary>Picks a benchmark, prints what it measured and appends it to docs/benchmarks.md.</summary>
internal static class BenchmarkProgram
{
    // As a shell says of a program that an interrupt has ended.
    private const int Stopped = 130;

    public static IReadOnlyList<IBenchmark> All { get; } =
    [
        new IngestBenchmark(), new BatchBenchmark(), new ImportBenchmark(), new EmbedBenchmark(),
        new StoreBenchmark(), new SearchBenchmark(), new UnifiedBenchmark(), new ProjectsBenchmark(), new ScaleBenchmark(), new ConcurrencyBenchmark(), new StartBenchmark(),
        new EvalBenchmark(), new TelemetryBenchmark(), new McpBenchmark(),
    ];

    public static async Task<int> RunAsync(string[] args)
    {
        var benchmark = All.FirstOrDefault(b => args.Length > 0 && b.Name == args[0]);
        if (benchmark is null || Parse(args) is not { } arguments)
        {
            await Console.Error.WriteLineAsync($"usage: -- {string.Join('|', All.Select(b => b.Name))} [--json] [--unrecorded] [--OPTION N]…");
            return 2;
        }

        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true;
            stop.Cancel();
        };
        // What a benchmark has started ends with it, whoever ends it.
        using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            stop.Cancel();
        });
        try
        {
            return await RunAsync(benchmark, arguments, stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("Stopped before its end: nothing was recorded.");
            return Stopped;
        }
    }

    private static async Task<int> RunAsync(IBenchmark benchmark, BenchmarkArguments arguments, CancellationToken ct)
    {
        var machine = Machine.Describe();
        var figures = await benchmark.RunAsync(arguments, ct);
        if (arguments.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { benchmark = benchmark.Name, command = arguments.CommandLine, machine, figures }, WireJson.Lenient));
        }
        else
        {
            Console.WriteLine(Table(figures));
        }

        if (!arguments.Unrecorded)
        {
            await AppendAsync(benchmark.Name, arguments, machine, figures, ct);
        }

        await Console.Error.WriteLineAsync(Summary(figures));
        // Measured is measured; whether it is good enough is for whoever reads it on this machine.
        return 0;
    }

    private static BenchmarkArguments? Parse(string[] args)
    {
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 1; i < args.Length; i++)
        {
            if (args[i] is "--json" or "--unrecorded")
            {
                continue;
            }

            if (!args[i].StartsWith("--", StringComparison.Ordinal) || i + 1 == args.Length || !int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                return null;
            }

            options[args[i][2..]] = args[++i];
        }

        return new BenchmarkArguments(args[0], args.Contains("--json", StringComparer.Ordinal), args.Contains("--unrecorded", StringComparer.Ordinal), options);
    }

    private static string Summary(IReadOnlyList<Figure> figures)
    {
        var bounded = figures.Where(f => f.Bound.Length > 0).ToList();
        var missed = bounded.Where(f => !f.Holds).ToList();
        return string.Create(CultureInfo.InvariantCulture, $"{bounded.Count - missed.Count} of {bounded.Count} promises hold; load now {Machine.Load():0.0}.")
            + string.Concat(missed.Select(f => $"\n  MISSED {f.Name}: {f.Shown} {f.Unit}, promised {f.Bound}"));
    }

    private static string Table(IReadOnlyList<Figure> figures) =>
        string.Join('\n', new[] { "| figure | value | unit | promised | |", "| --- | ---: | --- | --- | --- |" }
            .Concat(figures.Select(f => $"| {f.Name} | {f.Shown} | {f.Unit} | {f.Bound} | {(f.Bound.Length == 0 ? "" : f.Holds ? "holds" : "MISSED")} |")));

    private static async Task AppendAsync(string name, BenchmarkArguments arguments, string machine, IReadOnlyList<Figure> figures, CancellationToken ct)
    {
        var file = Path.Combine(Machine.Root(), "docs", "benchmarks.md");
        var head = File.Exists(file) ? "" : "# Benchmarks\n\nWhat `benchmarks/Mahavishnu.Benchmarks` measured, newest last. Machines are shared and noisy: read ratios before absolutes.\n";
        var date = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
        await File.AppendAllTextAsync(file, $"{head}\n## {name}, {date}\n\n{machine}  \n`{arguments.CommandLine}`\n\n{Table(figures)}\n", ct);
    }
}
