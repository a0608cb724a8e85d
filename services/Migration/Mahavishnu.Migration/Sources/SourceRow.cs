using Mahavishnu.Storage;

namespace Mahavishnu.Migration;

/// <summary>One row of a source table, as what the import makes of it. Every row of a table that is read gives exactly one of these.</summary>
/// <param name="Number">From 1, growing; with gaps where the source deleted rows.</param>
internal abstract record SourceRow(long Number);

/// <summary>A text that becomes a memory.</summary>
/// <param name="Number">See <see cref="SourceRow"/>.</param>
/// <param name="Draft">With its key; everything else that the source said is in its metadata and provenance.</param>
/// <param name="SourceId">The id that other tables of the source know it by.</param>
/// <param name="TimeKnown">False where <see cref="SourceOptions.ImportedAt"/> stands in for the time.</param>
internal sealed record TextRow(long Number, MemoryDraft Draft, string? SourceId, bool TimeKnown) : SourceRow(Number);

/// <summary>A row that cannot be imported.</summary>
/// <param name="Number">See <see cref="SourceRow"/>.</param>
/// <param name="Reason">One sentence.</param>
/// <param name="RawJson">The whole row as a JSON object that jsonb takes.</param>
internal sealed record RejectedRow(long Number, string Reason, string RawJson) : SourceRow(Number);

internal sealed record EntityRow(long Number, GraphEntity Entity) : SourceRow(Number);

/// <summary>An edge, and the sentence that it is as a memory.</summary>
/// <param name="Number">See <see cref="SourceRow"/>.</param>
/// <param name="Edge">Two rows that say the same triple have the same <see cref="GraphEdge.Id"/>.</param>
/// <param name="Sentence">Its key is of the graph: <c>sbkg:…</c>.</param>
/// <param name="TimeKnown">False where <see cref="SourceOptions.ImportedAt"/> stands in for the time.</param>
/// <param name="ByName">An end was a name where an id belongs, and one entity alone has that name. By id, as the source counts, such an edge hangs in the air.</param>
/// <param name="Ends">Entities that only this edge names (the plan's own schema has no table of them); to be there before the edge, and left alone where they are.</param>
internal sealed record EdgeRow(long Number, GraphEdge Edge, MemoryDraft Sentence, bool TimeKnown, bool ByName, IReadOnlyList<GraphEntity> Ends) : SourceRow(Number);

internal sealed record GraphEntity(
    string Id, string Name, string Type, IReadOnlyList<string> Observations, string Properties, DateTimeOffset CreatedAt, DateTimeOffset? UpdatedAt);

/// <param name="Id">Made of the triple, so that a repeated edge meets itself; the source's own id is in the properties.</param>
internal sealed record GraphEdge(string Id, string From, string To, string Type, string Properties, DateTimeOffset CreatedAt, DateTimeOffset? UpdatedAt);

internal sealed record GroupRow(
    long Number, string Id, string Name, string Description, IReadOnlyList<string> Projects, string Metadata, DateTimeOffset CreatedAt) : SourceRow(Number);

internal sealed record DependencyRow(
    long Number, string Id, string Source, string Target, string Type, string Description, string Metadata, DateTimeOffset CreatedAt) : SourceRow(Number);

internal sealed record SessionLinkRow(
    long Number, string Id, string Source, string Target, string Type, string Context, string Metadata, DateTimeOffset CreatedAt) : SourceRow(Number);

/// <param name="Cause">As <see cref="TextRow.SourceId"/>.</param>
/// <param name="Effect">As <see cref="TextRow.SourceId"/>.</param>
internal sealed record CausalLinkRow(
    long Number, string Id, string Cause, string Effect, string Type, double? Confidence, string Metadata, DateTimeOffset CreatedAt) : SourceRow(Number);

/// <summary>A row that went into the memory it belongs to (a tag, an access count): nothing to write, one to count.</summary>
internal sealed record JoinedRow(long Number) : SourceRow(Number);
