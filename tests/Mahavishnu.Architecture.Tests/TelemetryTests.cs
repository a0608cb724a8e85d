using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;

namespace Mahavishnu.Architecture.Tests;

/// <summary>docs/telemetry.md is what the code measures and traces, no more and no less.</summary>
public sealed class TelemetryTests
{
    private const string Page = "docs/telemetry.md";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // | `Mahavishnu.Search` | `memory.search.latency` | s | `memory_search_latency_seconds_bucket` | `arm` vector, text | time to answer |
    internal static IReadOnlyList<DocumentedMetric> Documented { get; } =
    [
        .. Regex.Matches(
                House.Text(Page), @"^\| `(?<meter>[^`]+)` \| `(?<name>[^`]+)` \| (?<unit>[^ |]+) \| `(?<prometheus>[a-z_]+)` \| (?<tags>[^|]*)\|", RegexOptions.ExplicitCapture | RegexOptions.Multiline, Patience)
            .Select(m => new DocumentedMetric(
                m.Groups["meter"].Value, m.Groups["name"].Value, m.Groups["unit"].Value, m.Groups["prometheus"].Value, m.Groups["tags"].Value)),
    ];

    [Fact]
    public void The_page_has_every_instrument_with_its_unit_and_no_other()
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var made = new List<string>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, services.GetRequiredService<IMeterFactory>()))
            {
                made.Add(Row(instrument.Meter.Name, instrument.Name, instrument.Unit!, PrometheusName.Of(instrument.Name, instrument.Unit!, Kind(instrument))));
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
            string.Join('\n', made.Order(StringComparer.Ordinal)),
            string.Join('\n', Documented.Where(d => d.IsOurs).Select(d => Row(d.Meter, d.Name, d.Unit, d.Prometheus)).Order(StringComparer.Ordinal)));

        static string Row(string meter, string name, string unit, string prometheus) => $"| `{meter}` | `{name}` | {unit} | `{prometheus}` |";
    }

    private static InstrumentKind Kind(Instrument instrument) => instrument.GetType().Name.Split('`')[0] switch
    {
        "Counter" => InstrumentKind.Counter,
        "Histogram" => InstrumentKind.Histogram,
        _ => InstrumentKind.Gauge,
    };

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

/// <param name="Prometheus">Its name there; of a histogram the buckets'.</param>
/// <param name="Tags">`outcome` ok, error; `model`</param>
internal sealed record DocumentedMetric(string Meter, string Name, string Unit, string Prometheus, string Tags)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Its tags as labels, each with the values that are said to be all.</summary>
    public IReadOnlyDictionary<string, string[]> Labels { get; } = Regex.Matches(Tags, "`(?<tag>[^`]+)`(?<values>[^`;]*)", RegexOptions.ExplicitCapture, Patience)
        .ToDictionary(m => PrometheusName.Clean(m.Groups["tag"].Value), m => m.Groups["values"].Value.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries), StringComparer.Ordinal);

    /// <summary>Every series that it is there.</summary>
    public IEnumerable<string> Series => Prometheus.EndsWith("_bucket", StringComparison.Ordinal)
        ? [Prometheus, Prometheus.Replace("_bucket", "_sum", StringComparison.Ordinal), Prometheus.Replace("_bucket", "_count", StringComparison.Ordinal)]
        : [Prometheus];

    /// <summary>Made by this program; the model's calls are measured by the client.</summary>
    public bool IsOurs => Meter.StartsWith("Mahavishnu.", StringComparison.Ordinal) && !Name.StartsWith("gen_ai.", StringComparison.Ordinal);
}
