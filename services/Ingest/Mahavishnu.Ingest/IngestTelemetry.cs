using System.Diagnostics.Metrics;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest;

/// <summary>The names under which ingest is measured; dashboards read them.</summary>
internal sealed class IngestTelemetry
{
    public const string Name = "Mahavishnu.Ingest";

    private readonly Counter<long> _written;

    public IngestTelemetry(IMeterFactory meters)
    {
        var meter = meters.Create(Name);
        _written = meter.CreateCounter<long>("mahavishnu.memories.written", "{memory}", "Memories taken in, by outcome (created, duplicate, updated, error).");
    }

    public void Written(WriteStatus status, long count)
    {
        if (count > 0)
        {
            _written.Add(count, new KeyValuePair<string, object?>("outcome", status switch
            {
                WriteStatus.Created => "created",
                WriteStatus.Duplicate => "duplicate",
                WriteStatus.Updated => "updated",
                _ => "error",
            }));
        }
    }
}
