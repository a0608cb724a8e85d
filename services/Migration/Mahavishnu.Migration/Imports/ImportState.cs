using Mahavishnu.Contracts;

namespace Mahavishnu.Migration;

/// <summary>Names a table of an import.</summary>
internal sealed record TableKey(Guid Import, short File, short Table);

/// <summary>How far a table of the source has come.</summary>
/// <param name="Rows">What the source says it has.</param>
internal sealed record TableState(TableKey Key, string Name, SourceRole Role, long Rows)
{
    /// <summary>Number of the last row that is done.</summary>
    public long Cursor { get; init; }
    public TableCounts Counts { get; init; } = new();
    public bool Finished { get; init; }
    public double Seconds { get; init; }
}

/// <summary>What became of rows.</summary>
internal sealed record TableCounts
{
    public long Imported { get; init; }
    public long Duplicate { get; init; }
    public long Rejected { get; init; }

    /// <summary>Edges as memories.</summary>
    public long SentencesImported { get; init; }
    public long SentencesDuplicate { get; init; }

    /// <summary>Edges among the rejected that were taken over nevertheless, see <see cref="EdgeRow.ByName"/>.</summary>
    public long ByName { get; init; }

    public long Read => Imported + Duplicate + Rejected;

    public static TableCounts operator +(TableCounts left, TableCounts right) => new()
    {
        Imported = left.Imported + right.Imported,
        Duplicate = left.Duplicate + right.Duplicate,
        Rejected = left.Rejected + right.Rejected,
        SentencesImported = left.SentencesImported + right.SentencesImported,
        SentencesDuplicate = left.SentencesDuplicate + right.SentencesDuplicate,
        ByName = left.ByName + right.ByName,
    };
}

/// <summary>A file of an import.</summary>
/// <param name="Hash">Null: it cannot be read, and <paramref name="Skipped"/> says why.</param>
internal sealed record FileState(
    short Number, string Path, byte[]? Hash, long Bytes, IReadOnlyList<string> Generations, IReadOnlyList<SkippedTable> Skipped, IReadOnlyList<TableState> Tables);

/// <summary>Makes the report of what has been counted.</summary>
internal static class ImportReporting
{
    /// <summary>The table of a <see cref="SkippedTable"/> that is the whole file.</summary>
    public const string WholeFile = "*";

    public static IReadOnlyList<ImportedFile> Files(IEnumerable<FileState> files, string timeZone) => [.. files.Select(f => File(f, timeZone))];

    public static ImportCounts Total(IEnumerable<FileState> files) =>
        files.SelectMany(f => f.Tables).Where(t => t.Role == SourceRole.Text).Select(t => Counts(t.Counts)).Aggregate(ImportCounts.None, (sum, counts) => sum + counts);

    public static double Seconds(IEnumerable<FileState> files) => Math.Round(files.SelectMany(f => f.Tables).Sum(t => t.Seconds), 3);

    /// <summary>Whether a verification was made and found everything.</summary>
    public static bool Holds(ImportVerification? verification) => verification is { Differences: [] } v && v.AccountedFor == v.Rows;

    private static ImportedFile File(FileState file, string timeZone) => new()
    {
        Path = file.Path,
        Generation = file.Generations,
        TimeZone = timeZone,
        Tables = [.. file.Tables.Where(t => t.Role == SourceRole.Text).Select(t => new ImportedTable(t.Name, t.Counts.Read, t.Counts.Imported, t.Counts.Duplicate, t.Counts.Rejected))],
        Graph = file.Tables.Any(t => t.Role is SourceRole.Edges or SourceRole.Entities) ? Graph(file.Tables) : null,
        Carried = Carried(file.Tables),
        Skipped = file.Skipped,
    };

    private static ImportedGraph Graph(IReadOnlyList<TableState> tables)
    {
        var edges = Sum(SourceRole.Edges);
        // A row that is no edge is no sentence.
        var sentences = new ImportCounts(edges.Read, edges.SentencesImported, edges.SentencesDuplicate, edges.Read - edges.SentencesImported - edges.SentencesDuplicate);
        return new ImportedGraph(Counts(edges), sentences, Counts(Sum(SourceRole.Entities)));

        TableCounts Sum(SourceRole role) => tables.Where(t => t.Role == role).Select(t => t.Counts).Aggregate(new TableCounts(), (sum, counts) => sum + counts);
    }

    private static Dictionary<string, long> Carried(IReadOnlyList<TableState> tables)
    {
        var carried = tables.Where(t => t.Role == SourceRole.Carried).ToDictionary(t => t.Name, t => t.Counts.Imported + t.Counts.Duplicate, StringComparer.Ordinal);
        foreach (var table in tables.Where(t => t.Counts.ByName > 0))
        {
            carried[table.Name + " by name"] = table.Counts.ByName;
        }

        return carried;
    }

    private static ImportCounts Counts(TableCounts counts) => new(counts.Read, counts.Imported, counts.Duplicate, counts.Rejected);
}
