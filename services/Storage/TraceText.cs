using System.Diagnostics;

namespace Mahavishnu.Storage;

/// <summary>Spans as a row keeps them, in W3C's <c>traceparent</c>: who asked for work that somebody else does later.</summary>
public static class TraceText
{
    // As many as OpenTelemetry's exporters keep of a span unless they are told otherwise.
    private const int MostLinks = 128;

    /// <summary>The span under way here; null where there is none, or none that anybody keeps.</summary>
    public static string? Current => Activity.Current is { IdFormat: ActivityIdFormat.W3C, Recorded: true } span ? span.Id : null;

    /// <summary>Links to the spans that rows tell of, each once.</summary>
    public static IReadOnlyList<ActivityLink> Links(IEnumerable<string?> rows)
    {
        var links = new List<ActivityLink>();
        // Rows of one request lie beside each other, and there may be hundreds.
        foreach (var row in rows.OfType<string>().Distinct(StringComparer.Ordinal).Take(MostLinks))
        {
            if (ActivityContext.TryParse(row, traceState: null, isRemote: true, out var span))
            {
                links.Add(new ActivityLink(span));
            }
        }

        return links;
    }
}
