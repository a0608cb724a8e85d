using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Mahavishnu.Migration;

/// <summary>The names under which imports are measured and traced; dashboards read them.</summary>
internal sealed class ImportTelemetry
{
    public const string Name = "Mahavishnu.Migration";

    private static readonly ActivitySource Source = new(Name);
    private readonly Counter<long> _rows;

    public ImportTelemetry(IMeterFactory meters) =>
        _rows = meters.Create(Name).CreateCounter<long>("mahavishnu.import.rows", "{row}", "Rows of imported files, by outcome (imported, duplicate, rejected).");

    public static Activity? Start(Guid import) => Source.StartActivity("import")?.SetTag("mahavishnu.import.id", import);

    public void Count(TableCounts counts)
    {
        Add("imported", counts.Imported);
        Add("duplicate", counts.Duplicate);
        Add("rejected", counts.Rejected);
    }

    private void Add(string outcome, long count)
    {
        if (count > 0)
        {
            _rows.Add(count, new KeyValuePair<string, object?>("outcome", outcome));
        }
    }
}
