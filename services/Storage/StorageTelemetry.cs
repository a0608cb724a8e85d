using System.Diagnostics;
using System.Diagnostics.Metrics;
using Mahavishnu.Contracts;

namespace Mahavishnu.Storage;

/// <summary>The names under which writes and operations are measured and traced; dashboards read them.</summary>
public sealed class StorageTelemetry(IMeterFactory meters)
{
    public const string Name = "Mahavishnu.Storage";

    private static readonly ActivitySource Source = new(Name);

    private readonly Counter<long> _stored = meters.Create(Name).CreateCounter<long>(
        "memory.store.count", "{memory}", "Memories that came in and were committed, by type and outcome (created, duplicate, updated, conflict), whoever wrote them.");

    /// <summary>Counts what became of memories. Called once their transaction is committed, so that nothing counts that was undone or repeated.</summary>
    public void Stored(IEnumerable<(string Type, WriteStatus Status)> memories)
    {
        if (_stored.Enabled)
        {
            foreach (var ((type, status), count) in memories.CountBy(m => m))
            {
                _stored.Add(count, new KeyValuePair<string, object?>("memory_type", type), new KeyValuePair<string, object?>("outcome", Wire(status)));
            }
        }
    }

    /// <summary>The span of an operation in the hands of its handler, linked to the request that asked for it.</summary>
    internal static Activity? Operation(ClaimedOperation operation) => Source.HasListeners()
        ? Source.StartActivity("operation", ActivityKind.Internal, parentContext: default, links: TraceText.Links([operation.Trace]))?
            .SetTag("mahavishnu.operation.kind", operation.Kind)
            .SetTag("mahavishnu.operation.id", operation.Id)
            .SetTag("mahavishnu.operation.attempt", operation.Attempt)
        : null;

    /// <param name="state">Null: another process goes on with it.</param>
    internal static void Ended(Activity? span, string? state, OperationError? error)
    {
        span?.SetTag("mahavishnu.operation.state", state ?? OperationStates.Queued);
        if (state == OperationStates.Failed)
        {
            // The words may name a path or quote a file.
            span?.SetTag("error.type", error?.Code).SetStatus(ActivityStatusCode.Error);
        }
    }

    private static string Wire(WriteStatus status) => status switch
    {
        WriteStatus.Created => "created",
        WriteStatus.Duplicate => "duplicate",
        WriteStatus.Updated => "updated",
        _ => "conflict",
    };
}
