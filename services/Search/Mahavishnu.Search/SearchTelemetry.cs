using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Mahavishnu.Search;

/// <summary>What is searched.</summary>
internal enum SearchType
{
    Memories,
    Unified,
    Projects,
}

/// <summary>What searches say about themselves. Names are public contract: dashboards read them.</summary>
internal sealed class SearchTelemetry(IMeterFactory meters)
{
    public const string Name = "Mahavishnu.Search";
    private static readonly ActivitySource Source = new(Name);

    private readonly Histogram<double> _latency = meters.Create(Name).CreateHistogram<double>(
        "memory.search.latency", unit: "s", description: "Time to answer a search, by arm (hybrid is both arms in one statement).",
        advice: new() { HistogramBucketBoundaries = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] });

    private readonly Counter<long> _degraded = meters.Create(Name).CreateCounter<long>(
        "mahavishnu.search.degraded", unit: "{search}", description: "Searches answered with something missing, by what it was.");

    private readonly Counter<long> _exact = meters.Create(Name).CreateCounter<long>(
        "mahavishnu.search.exact_retries", unit: "{search}", description: "Searches whose approximate scan came back short and was run again exactly.");

    private readonly Counter<long> _switched = meters.Create(Name).CreateCounter<long>(
        "mahavishnu.search.space_retries", unit: "{search}", description: "Searches run again because the active embedding space changed under them.");

    private readonly Counter<long> _questions = meters.Create(Name).CreateCounter<long>(
        "mahavishnu.search.questions", unit: "{question}", description: "Questions that needed a vector, by whether it was known, computed, or not to be had.");

    private readonly Histogram<double> _recall = meters.Create(Name).CreateHistogram<double>(
        "mahavishnu.search.recall", unit: "1", description: "Share of what is nearest that an index found, of searches run again exactly.",
        advice: new() { HistogramBucketBoundaries = [0.5, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.999] });

    private readonly Counter<long> _short = meters.Create(Name).CreateCounter<long>(
        "mahavishnu.search.recall.short", unit: "{search}", description: "Searches run again exactly to which the index had brought fewer memories than there were.");

    public void Recall(string index, double recall, bool cutShort)
    {
        _recall.Record(recall, new KeyValuePair<string, object?>("index", index));
        if (cutShort)
        {
            _short.Add(1, new KeyValuePair<string, object?>("index", index));
        }
    }

    public void Question(string outcome) => _questions.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public Measurement Start(SearchMode mode, SearchType type) => new(this, mode, type);

    /// <summary>One span and one measurement that end together, whichever way the block is left.</summary>
    internal sealed class Measurement(SearchTelemetry owner, SearchMode mode, SearchType type) : IDisposable
    {
        private readonly long _started = Stopwatch.GetTimestamp();
        private readonly Activity? _activity = Source
            .StartActivity(type switch { SearchType.Unified => "search unified", SearchType.Projects => "search projects", _ => "search" })?.SetTag("mahavishnu.search.mode", Wire(mode));
        private string _outcome = "error";

        public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_started);

        public void RanExactly()
        {
            owner._exact.Add(1);
            _activity?.SetTag("mahavishnu.search.exact", true);
        }

        public void Switched()
        {
            owner._switched.Add(1);
            _activity?.SetTag("mahavishnu.search.switched", true);
        }

        public void Found(int hits, IReadOnlyList<string> degraded)
        {
            _outcome = degraded.Count == 0 ? "ok" : "degraded";
            _activity?.SetTag("mahavishnu.search.hits", hits);
            foreach (var code in degraded)
            {
                owner._degraded.Add(1, new KeyValuePair<string, object?>("reason", code));
            }
        }

        public void NotFound() => _outcome = "not_found";

        public void Dispose()
        {
            owner._latency.Record(
                Elapsed.TotalSeconds,
                new KeyValuePair<string, object?>("arm", Wire(mode)), new KeyValuePair<string, object?>("search_type", Wire(type)), new KeyValuePair<string, object?>("outcome", _outcome));
            _activity?.SetTag("mahavishnu.search.outcome", _outcome);
            if (_outcome == "error")
            {
                _activity?.SetStatus(ActivityStatusCode.Error);
            }

            _activity?.Dispose();
        }

        private static string Wire(SearchType type) => type switch { SearchType.Unified => "unified", SearchType.Projects => "projects", _ => "memories" };

        private static string Wire(SearchMode mode) => mode switch { SearchMode.Vector => "vector", SearchMode.Text => "text", _ => "hybrid" };
    }
}
