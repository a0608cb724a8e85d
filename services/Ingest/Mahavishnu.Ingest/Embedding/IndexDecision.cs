namespace Mahavishnu.Ingest;

/// <summary>What is to be done about a space's vector index.</summary>
internal enum IndexStep
{
    None,
    Build,
    Drop,
}

/// <summary>What is known when the decision is made.</summary>
/// <param name="State">The space's index state: none, building, ready.</param>
/// <param name="Valid">The index is there and whole.</param>
/// <param name="Rows">Vectors in the space.</param>
/// <param name="Pending">Memories still to be embedded.</param>
/// <param name="Loading">A bulk load (repository, import) is under way.</param>
/// <param name="AtWork">An index operation is queued or running.</param>
internal sealed record IndexSituation(string State, bool Valid, long Rows, long Pending, bool Loading, bool AtWork);

/// <summary>Decides when an index comes and goes: earned by size, and never in the way of a load larger than what is there.</summary>
internal static class IndexDecision
{
    // What still waits counts as nothing when it is this small a part: a store that is written to all day gets its index too.
    private const long DrainedPart = 50;

    public static IndexStep Decide(IndexSituation now, long fromRows)
    {
        if (now.AtWork)
        {
            // A build under way is smaller than the load that overtakes it: it ends, and is then dropped.
            return IndexStep.None;
        }

        if (now.Pending >= Math.Max(fromRows, now.Rows))
        {
            return now.State == "ready" || now.Valid ? IndexStep.Drop : IndexStep.None;
        }

        var drained = !now.Loading && now.Pending * DrainedPart <= now.Rows;
        var whole = now.State == "ready" && now.Valid;
        return drained && !whole && now.Rows >= fromRows ? IndexStep.Build : IndexStep.None;
    }
}
