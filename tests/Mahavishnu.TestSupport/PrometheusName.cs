using System.Text.RegularExpressions;

namespace Mahavishnu.TestSupport;

/// <summary>What an instrument does to its values; gauges are all that goes up and down.</summary>
public enum InstrumentKind
{
    Gauge,
    Counter,
    Histogram,
}

/// <summary>How an OpenTelemetry collector's Prometheus exporter names an instrument, as docs/telemetry.md says.</summary>
public static class PrometheusName
{
    private static readonly Dictionary<string, string> Units = new(StringComparer.Ordinal) { ["s"] = "seconds", ["ms"] = "milliseconds", ["By"] = "bytes", ["1"] = "ratio" };

    /// <summary>Of a histogram the series of its buckets.</summary>
    public static string Of(string instrument, string unit, InstrumentKind kind)
    {
        var name = Clean(instrument);
        // {memory} is a remark, not a unit; of a share (1) only a gauge's name says so.
        if (!unit.StartsWith('{') && (unit != "1" || kind == InstrumentKind.Gauge) && Units[unit] is var word && !name.Split('_').Contains(word, StringComparer.Ordinal))
        {
            name += "_" + word;
        }

        return kind switch { InstrumentKind.Counter => name + "_total", InstrumentKind.Histogram => name + "_bucket", _ => name };
    }

    /// <summary>A tag as a label.</summary>
    public static string Clean(string name) => Regex.Replace(name, "[^A-Za-z0-9]+", "_", RegexOptions.None, TimeSpan.FromSeconds(1));
}
