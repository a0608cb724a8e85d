namespace Mahavishnu.Migration;

/// <summary>What becomes of a table of the source.</summary>
internal enum SourceRole
{
    /// <summary>Its rows are memories, and counted in the report's total: <see cref="TextRow"/>.</summary>
    Text,

    /// <summary><see cref="EntityRow"/>.</summary>
    Entities,

    /// <summary><see cref="EdgeRow"/>.</summary>
    Edges,

    /// <summary>What stands beside: skills (<see cref="TextRow"/>), groups, dependencies, links, and what goes into the rows of another table (<see cref="JoinedRow"/>).</summary>
    Carried,

    /// <summary>Not read; <see cref="SourceTable.Reason"/> says why.</summary>
    Skipped,
}

/// <param name="Name">As in the file: <c>default_reflections</c>, <c>vectors.default</c>.</param>
/// <param name="Generation">seed, g1, g2, g3, g4, g5 or kg; empty where no generation is known to have it.</param>
/// <param name="Collection">The collection it belongs to; tables without one count as <c>default</c>.</param>
/// <param name="Role">What becomes of it.</param>
/// <param name="Rows">Rows it has.</param>
/// <param name="Reason">Why it is skipped.</param>
internal sealed record SourceTable(string Name, string Generation, string Collection, SourceRole Role, long Rows, string? Reason);
