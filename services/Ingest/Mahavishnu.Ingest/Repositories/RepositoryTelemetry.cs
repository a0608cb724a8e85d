using System.Diagnostics.Metrics;

namespace Mahavishnu.Ingest;

/// <summary>Names are public contract (dashboards and the benchmark read them): see docs/telemetry.md.</summary>
internal sealed class RepositoryTelemetry(IMeterFactory meters)
{
    public const string StageTag = "stage";
    public const string Read = "read";
    public const string Split = "split";
    public const string Write = "write";

    private readonly Counter<double> _stages = meters.Create(IngestTelemetry.Name).CreateCounter<double>(
        "mahavishnu.ingest.repository.stage_time", unit: "s", description: "Time spent on repository files, by stage (read, split, write); writers run side by side.");

    private readonly Counter<long> _chunks = meters.Create(IngestTelemetry.Name).CreateCounter<long>(
        "mahavishnu.ingest.repository.chunks", unit: "{chunk}", description: "Chunks of repositories written, by outcome (created, kept, removed).");

    private readonly Counter<long> _bytes = meters.Create(IngestTelemetry.Name).CreateCounter<long>(
        "mahavishnu.ingest.repository.bytes", unit: "By", description: "Bytes of repository files read.");

    public void Spent(string stage, TimeSpan time) => _stages.Add(time.TotalSeconds, new KeyValuePair<string, object?>(StageTag, stage));

    public void FileRead(long bytes) => _bytes.Add(bytes);

    public void Wrote(ChunkCounts counts)
    {
        _chunks.Add(counts.Created, new KeyValuePair<string, object?>("outcome", "created"));
        _chunks.Add(counts.Kept, new KeyValuePair<string, object?>("outcome", "kept"));
        _chunks.Add(counts.Removed, new KeyValuePair<string, object?>("outcome", "removed"));
    }
}
