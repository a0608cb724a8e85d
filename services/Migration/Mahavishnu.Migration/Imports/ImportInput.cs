namespace Mahavishnu.Migration;

/// <summary>What an <c>import</c> operation is started with.</summary>
internal sealed record ImportInput
{
    /// <summary>Set: this import is to be undone, and nothing else here counts.</summary>
    public Guid? Undo { get; init; }

    /// <summary>As they were asked for, without links.</summary>
    public IReadOnlyList<string> Paths { get; init; } = [];
    public string TimeZone { get; init; } = "UTC";
    public bool DryRun { get; init; }
    public IReadOnlyList<string> Collections { get; init; } = [];
    public IReadOnlyList<string> Tables { get; init; } = [];
    public bool Copy { get; init; } = true;

    /// <summary>Null: by the size of the files.</summary>
    public bool? Verify { get; init; }
    public bool IncludeBackups { get; init; }

    /// <summary>Whether a run of the other would do the same.</summary>
    public bool SameAs(ImportInput other) =>
        Undo == other.Undo && DryRun == other.DryRun && Copy == other.Copy && Verify == other.Verify && IncludeBackups == other.IncludeBackups
        && string.Equals(TimeZone, other.TimeZone, StringComparison.Ordinal)
        && Paths.SequenceEqual(other.Paths, StringComparer.Ordinal)
        && Collections.SequenceEqual(other.Collections, StringComparer.Ordinal)
        && Tables.SequenceEqual(other.Tables, StringComparer.Ordinal);
}
