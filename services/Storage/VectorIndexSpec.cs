using Mahavishnu.Contracts;

namespace Mahavishnu.Storage;

/// <summary>The index that is wanted over a space's vectors.</summary>
/// <param name="Kind">One of <see cref="VectorIndexKinds"/>.</param>
/// <param name="Lists">Of <c>ivfflat</c>.</param>
/// <param name="Probes">Of <c>ivfflat</c>: lists that a search reads; null: the square root of those there are.</param>
public sealed record VectorIndexSpec(string Kind, int? Lists = null, int? Probes = null)
{
    /// <summary>Most lists of pgvector, and so most that can be read.</summary>
    public const int MostLists = 32_768;

    /// <summary>Most dimensions that an index over full-width vectors takes.</summary>
    public const int MostFullWidthDimensions = 2_000;

    /// <summary>The plan's.</summary>
    public const int UsualLists = 500;

    public static VectorIndexSpec Hnsw { get; } = new(VectorIndexKinds.Hnsw);

    // A list of a few vectors is found no better than they are, and its centre is that of none.
    private const int RowsPerList = 20;

    /// <summary>Lists that so many vectors can fill.</summary>
    public int ListsFor(long rows) => (int)Math.Clamp(rows / RowsPerList, 1, Lists ?? UsualLists);

    /// <summary>What is built for so many vectors.</summary>
    internal BuiltIndex For(long rows)
    {
        if (Kind != VectorIndexKinds.Ivfflat)
        {
            return new BuiltIndex(Kind, null, null, rows, 0, null);
        }

        var lists = ListsFor(rows);
        return new BuiltIndex(Kind, lists, ProbesOf(lists), rows, 0, null);
    }

    /// <summary>Lists that a search reads of so many.</summary>
    public int ProbesOf(int lists) => Math.Min(Probes ?? (int)Math.Ceiling(Math.Sqrt(lists)), lists);
}

/// <summary>An index as it was built.</summary>
/// <param name="Kind">One of <see cref="VectorIndexKinds"/>, none excepted.</param>
/// <param name="Rows">Vectors in it; null: built before this was written down.</param>
/// <param name="Gone">Vectors that had ever been deleted or replaced by then, as PostgreSQL counts them.</param>
public sealed record BuiltIndex(string Kind, int? Lists, int? Probes, long? Rows, long? Gone, DateTimeOffset? BuiltAt);
