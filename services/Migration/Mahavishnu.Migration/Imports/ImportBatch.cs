using System.Text.Json;

namespace Mahavishnu.Migration;

/// <summary>Rows of one table that share a transaction.</summary>
/// <param name="after">The cursor before them.</param>
internal sealed class ImportBatch(long after)
{
    private readonly List<SourceRow> _rows = [];
    private long _bytes;

    public IReadOnlyList<SourceRow> Rows => _rows;

    public long After => after;

    /// <summary>The cursor behind them.</summary>
    public long Last => _rows.Count == 0 ? after : _rows[^1].Number;

    public void Add(SourceRow row)
    {
        _rows.Add(row);
        _bytes += Size(row);
    }

    public bool IsFull(ImportOptions options) => _rows.Count >= options.RowsPerTransaction || _bytes >= options.BytesPerTransaction;

    /// <summary>The same rows as two batches, one behind the other.</summary>
    public (ImportBatch First, ImportBatch Second) Split()
    {
        var first = new ImportBatch(after);
        var middle = _rows.Count / 2;
        _rows[..middle].ForEach(first.Add);
        var second = new ImportBatch(first.Last);
        _rows[middle..].ForEach(second.Add);
        return (first, second);
    }

    private static long Size(SourceRow row) => row switch
    {
        TextRow text => Size(text.Draft),
        EdgeRow edge => Size(edge.Sentence) + edge.Edge.Properties.Length,
        EntityRow { Entity: var entity } => entity.Properties.Length + entity.Observations.Sum(o => (long)o.Length),
        RejectedRow rejected => rejected.RawJson.Length,
        _ => 0,
    };

    private static long Size(Storage.MemoryDraft draft) => draft.Content.Length + draft.Metadata.Length + draft.Provenance.Length;
}

/// <summary>Rows that the database will not take although the source's reader would: kept as rejects.</summary>
internal static class Refused
{
    public static RejectedRow Of(SourceRow row, string reason) => new(row.Number, reason, row switch
    {
        RejectedRow rejected => rejected.RawJson,
        TextRow { Draft: var draft, SourceId: var id } => Json(new { id, draft.Title, draft.Content, draft.Tags, draft.ProjectId, draft.OccurredAt, metadata = Parse(draft.Metadata), provenance = Parse(draft.Provenance) }),
        EdgeRow { Edge: var edge, Sentence: var sentence } => Json(new { edge.Id, edge.From, edge.To, edge.Type, properties = Parse(edge.Properties), sentence.Content, edge.CreatedAt }),
        EntityRow { Entity: var entity } => Json(new { entity.Id, entity.Name, entity.Type, entity.Observations, properties = Parse(entity.Properties), entity.CreatedAt }),
        GroupRow group => Json(group),
        DependencyRow dependency => Json(dependency),
        SessionLinkRow link => Json(link),
        CausalLinkRow link => Json(link),
        _ => "{}",
    });

    private static string Json<T>(T row) => JsonSerializer.Serialize(row, Contracts.WireJson.Lenient);

    private static JsonElement Parse(string json) => JsonElement.Parse(json);
}
