using System.Globalization;
using Mahavishnu.Contracts;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>How a transaction looks through vector indexes.</summary>
public static class VectorScan
{
    // pgvector's bound on ef_search.
    private const int MostInView = 1_000;

    /// <summary>The columns of a <c>SELECT</c> that sets it, for the length of the transaction; its first two parameters are what <see cref="AddTo"/> adds.</summary>
    /// <remarks>
    /// For both kinds, whichever there is: for a moment of a rebuild there are two, and the planner takes what it likes. Scans go on until there are
    /// enough rows (iterative). A plan for these statements is never worth compiling (jit): what they cost is bounded by limits that the planner cannot see.
    /// </remarks>
    public const string Settings = """
        set_config('hnsw.ef_search', $1, true), set_config('hnsw.iterative_scan', 'relaxed_order', true),
        set_config('ivfflat.probes', $2, true), set_config('ivfflat.iterative_scan', 'relaxed_order', true), set_config('jit', 'off', true)
        """;

    private static int UsualProbes { get; } = new VectorIndexSpec(VectorIndexKinds.Ivfflat).ProbesOf(VectorIndexSpec.UsualLists);

    /// <summary>Adds the values that <see cref="Settings"/> sets.</summary>
    /// <param name="space">Null: none is searched.</param>
    /// <param name="inView">HNSW: neighbours a scan keeps in view, and at most as many rows does its first round bring.</param>
    public static void AddTo(NpgsqlParameterCollection parameters, EmbeddingSpace? space, int inView)
    {
        foreach (var value in (int[])[Math.Min(inView, MostInView), space?.BuiltIndex?.Probes ?? UsualProbes])
        {
            parameters.Add(new NpgsqlParameter<string> { TypedValue = value.ToString(CultureInfo.InvariantCulture) });
        }
    }
}
