using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;

namespace Mahavishnu.Architecture.Tests;

/// <summary>docs/telemetry.md is what the code measures and traces, no more and no less.</summary>
public sealed class TelemetryTests
{
    private const string Page = "docs/telemetry.md";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // | `Mahavishnu.Search` | `mahavishnu.search.duration` | s | `mode` vector, text | time to answer |
    internal static IReadOnlyList<(string Meter, string Name, string Unit)> Documented { get; } =
    [
        .. Regex.Matches(House.Text(Page), @"^\| `(?<meter>[^`]+)` \| `(?<name>[^`]+)` \| (?<unit>[^ |]+) \|", RegexOptions.ExplicitCapture | RegexOptions.Multiline, Patience)
            .Select(m => (m.Groups["meter"].Value, m.Groups["name"].Value, m.Groups["unit"].Value)),
    ];

    [Fact]
    public void The_page_has_every_instrument_with_its_unit_and_no_other()
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var made = new List<(string Meter, string Name, string Unit)>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, services.GetRequiredService<IMeterFactory>()))
            {
                made.Add((instrument.Meter.Name, instrument.Name, instrument.Unit ?? ""));
            }
        };
        listener.Start();
        foreach (var type in House.Assemblies.SelectMany(a => a.GetTypes()).Where(t => t.Name.EndsWith("Telemetry", StringComparison.Ordinal) && t.GetConstructor([typeof(IMeterFactory)]) is not null))
        {
            ActivatorUtilities.CreateInstance(services, type);
        }

        Assert.NotEmpty(made);
        // A line each: the failure shows what to write on the page.
        Assert.Equal(
            string.Join('\n', made.Order().Select(Row)),
            string.Join('\n', Documented.Where(d => d.Name.StartsWith("mahavishnu.", StringComparison.Ordinal)).Order().Select(Row)));

        static string Row((string Meter, string Name, string Unit) i) => $"| `{i.Meter}` | `{i.Name}` | {i.Unit} |";
    }

    [Fact]
    public void Instruments_are_made_where_the_names_are()
    {
        var made = new Regex(@"\.Create(Counter|Histogram|Gauge|UpDownCounter|Observable\w+)<", RegexOptions.ExplicitCapture, Patience);

        Assert.All(House.Sources.Where(p => made.IsMatch(House.Text(p))), p => Assert.EndsWith("Telemetry.cs", p, StringComparison.Ordinal));
    }

    [Fact]
    public void The_page_has_every_tag_and_every_span()
    {
        var page = House.Text(Page);
        var named = new Regex(
            """(StartActivity\((?<span>[^)]*)\)|new KeyValuePair<string, object\?>\((?<tag>"[a-z_]+"))""", RegexOptions.ExplicitCapture, Patience);
        var words = House.Sources.Where(p => p.EndsWith("Telemetry.cs", StringComparison.Ordinal))
            .SelectMany(p => named.Matches(House.Text(p)))
            .SelectMany(m => Regex.Matches(m.Groups["span"].Value + m.Groups["tag"].Value, "\"(?<word>[^\"]+)\"", RegexOptions.ExplicitCapture, Patience))
            .Select(m => m.Groups["word"].Value)
            .ToHashSet(StringComparer.Ordinal);

        Assert.Contains("embed memories", words);
        Assert.Contains("outcome", words);
        Assert.All(words, word => Assert.Contains($"`{word}`", page, StringComparison.Ordinal));
    }
}
