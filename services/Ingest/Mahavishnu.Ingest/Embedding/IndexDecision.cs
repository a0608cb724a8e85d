using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest;

/// <summary>What is to be done about a space's vector index.</summary>
internal enum IndexStep
{
    None,
    Build,
    Drop,

    /// <summary>Something of an earlier build is in the way of every write, and of no use.</summary>
    Clear,
}

/// <summary>What is known when the decision is made.</summary>
/// <param name="State">The space's index state: none, building, ready.</param>
/// <param name="Valid">The index is there and whole.</param>
/// <param name="Rows">Vectors in the space.</param>
/// <param name="Pending">Memories still to be embedded.</param>
/// <param name="Loading">A bulk load (repository, import) is under way.</param>
/// <param name="AtWork">An index operation is queued or running, or somebody else is changing the space's indexes.</param>
internal sealed record IndexSituation(string State, bool Valid, long Rows, long Pending, bool Loading, bool AtWork)
{
    /// <summary>What the space is to have.</summary>
    public VectorIndexSpec Wanted { get; init; } = VectorIndexSpec.Hnsw;

    /// <summary>What was built last; null: nothing, or before this was written down.</summary>
    public BuiltIndex? Built { get; init; }

    /// <summary>Vectors ever deleted or replaced.</summary>
    public long Gone { get; init; }

    /// <summary>An earlier build left something behind.</summary>
    public bool Leftovers { get; init; }

    public bool Whole => State == "ready" && Valid;
}

/// <summary>Decides when an index comes and goes: earned by size, never in the way of a load larger than what is there, and built anew once the table has outgrown it.</summary>
internal static class IndexDecision
{
    // What still waits counts as nothing when it is this small a part: a store that is written to all day gets its index too.
    private const long DrainedPart = 50;

    // The centres of the lists are those of what was there: four times as much lies elsewhere.
    private const long Growth = 4;

    // More lists are made of a table that could have twice as many.
    private const int MoreLists = 2;

    // A graph is mended where vectors go, and reaches less and less of what stays.
    private const double MostGone = 0.3;

    public static IndexStep Decide(IndexSituation now, long fromRows)
    {
        if (now.AtWork)
        {
            // A build under way is smaller than the load that overtakes it: it ends, and is then dropped.
            return IndexStep.None;
        }

        if (now.Wanted.Kind == VectorIndexKinds.None || now.Pending >= Math.Max(fromRows, now.Rows))
        {
            return now.State == "ready" || now.Valid ? IndexStep.Drop : Tidy(now);
        }

        var drained = !now.Loading && now.Pending * DrainedPart <= now.Rows;
        return drained && now.Rows >= fromRows && (!now.Whole || IsOutgrown(now)) ? IndexStep.Build : Tidy(now);
    }

    /// <summary>Whether another index than the one there is would be built now.</summary>
    public static bool IsOutgrown(IndexSituation now)
    {
        if (now.Built is not { } built)
        {
            return false;
        }

        if (built.Kind != now.Wanted.Kind)
        {
            return true;
        }

        return built.Kind == VectorIndexKinds.Ivfflat
            ? now.Rows >= Growth * built.Rows || HasWrongLists(built, now)
            : GoneSince(built, now.Gone) > MostGone * built.Rows;
    }

    private static bool HasWrongLists(BuiltIndex built, IndexSituation now)
    {
        var lists = now.Wanted.ListsFor(now.Rows);
        return built.Lists > now.Wanted.Lists || built.Lists < lists && (lists == now.Wanted.Lists || lists >= MoreLists * built.Lists);
    }

    // PostgreSQL begins to count anew after a crash.
    private static long GoneSince(BuiltIndex built, long gone) => built.Gone is not { } then ? 0 : gone >= then ? gone - then : gone;

    private static IndexStep Tidy(IndexSituation now) => now.Leftovers ? IndexStep.Clear : IndexStep.None;
}
