using System.Globalization;
using Mahavishnu.Contracts;

namespace Mahavishnu.Storage;

/// <summary>An embedding space: one model, whose vectors may be compared with each other and with no others.</summary>
/// <param name="Distance"><c>cosine</c>, <c>l2</c> or <c>ip</c> (inner product): decides operator, index and score.</param>
/// <param name="State">One of <see cref="EmbeddingSpaceStates"/>.</param>
/// <param name="IndexState"><c>none</c> (exact search), <c>building</c> or <c>ready</c>.</param>
public sealed record EmbeddingSpace(
    short Id, string Provider, string Model, string Digest, int Dimensions, string Distance, string PrefixProfile, string State, string IndexState, DateTimeOffset CreatedAt)
{
    /// <summary>Memories up to this id have been queued for it, of those that were there before it; null: none yet.</summary>
    public Guid? FillCursor { get; init; }

    /// <summary>When the memories that were there before it had all been through the queue; null while it is being filled.</summary>
    public DateTimeOffset? FilledAt { get; init; }

    /// <summary>When it last became the active one.</summary>
    public DateTimeOffset? ActivatedAt { get; init; }

    /// <summary>The index asked for this space; null: as the settings say.</summary>
    public VectorIndexSpec? WantedIndex { get; init; }

    /// <summary>The index that was built last; it can be used while <see cref="IndexState"/> is <c>ready</c>.</summary>
    public BuiltIndex? BuiltIndex { get; init; }

    /// <summary>What its vectors are.</summary>
    public EmbeddingModel Identity => new(Provider, Model, Digest, Dimensions, Distance, PrefixProfile);

    /// <summary>What operations call it.</summary>
    public string Subject => Id.ToString(CultureInfo.InvariantCulture);

    /// <summary>The table of its vectors, safe to write into SQL.</summary>
    public string Table => "embedding_" + Subject;

    /// <summary>The name of its vector index.</summary>
    public string Index => Table + "_vector";

    /// <summary>pgvector's distance operator: smaller is nearer for all three.</summary>
    public string Operator => Distance switch { "l2" => "<->", "ip" => "<#>", _ => "<=>" };

    /// <summary>SQL of the distance between a column and a question (both expressions) as the index that is there knows it: an index is used for its own expression alone.</summary>
    public string IndexedDistance(string column, string question) => this is { IndexState: "ready", BuiltIndex.Kind: VectorIndexKinds.HnswVector }
        ? $"{FullWidth(column)} {Operator} {FullWidth(question)}"
        : $"{column} {Operator} {question}";

    /// <summary>What follows <c>USING</c> in the definition of an index.</summary>
    internal string IndexSql(BuiltIndex index) => index.Kind switch
    {
        VectorIndexKinds.HnswVector => $"hnsw (({FullWidth("embedding")}) vector_{OperatorFamily})",
        VectorIndexKinds.Ivfflat => $"ivfflat (embedding halfvec_{OperatorFamily}) WITH (lists = {Number(index.Lists ?? 1)})",
        _ => $"hnsw (embedding halfvec_{OperatorFamily})",
    };

    private string OperatorFamily => Distance switch { "l2" => "l2_ops", "ip" => "ip_ops", _ => "cosine_ops" };

    private string FullWidth(string expression) => $"{expression}::vector({Number(Dimensions)})";

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>SQL that turns a distance (<paramref name="distance"/>, an expression) into a similarity where larger is nearer.</summary>
    public string Similarity(string distance) => Distance switch
    {
        "l2" => $"1.0 / (1.0 + ({distance}))",
        "ip" => $"-({distance})",
        _ => $"1.0 - ({distance})",
    };
}

/// <summary>A space that became the active one.</summary>
/// <param name="PreviousId">What was active before; null where it was this one already, or none.</param>
public sealed record SpaceSwitch(EmbeddingSpace Space, short? PreviousId);

/// <summary>What became of a space that was to be dropped.</summary>
public enum SpaceDrop
{
    Dropped,
    Missing,

    /// <summary>Searches use it: another one must be activated first.</summary>
    Active,
}

/// <summary>How large a space is.</summary>
/// <param name="Vectors">Exact up to 10,000, then as PostgreSQL last counted them.</param>
/// <param name="Bytes">Vectors and indexes on disk.</param>
public sealed record SpaceSize(long Vectors, long Bytes);

/// <summary>A page of memories put into a space's queue.</summary>
/// <param name="Read">Memories looked at; 0 at the end.</param>
/// <param name="Queued">Those that had no vector and were not queued.</param>
/// <param name="Cursor">Where the next page begins.</param>
/// <param name="At">The database's time of the page: what it queued is not younger.</param>
public sealed record FillPage(int Read, int Queued, Guid? Cursor, DateTimeOffset At);
