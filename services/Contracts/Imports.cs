using System.Text.Json;

namespace Mahavishnu.Contracts;

/// <summary>Body of <c>POST /imports</c>: Session-Buddy files of the server's machine to take over.</summary>
public sealed record ImportRequest
{
    /// <summary>Absolute paths of DuckDB files, or of folders with such files, inside <c>Ingest:Roots</c>.</summary>
    public IReadOnlyList<string>? Paths { get; init; }

    /// <summary>Where the files were written (<c>America/Los_Angeles</c>): times without a zone are local to it. Default: this server's.</summary>
    public string? TimeZone { get; init; }

    /// <summary>Report what would be done and write nothing.</summary>
    public bool? DryRun { get; init; }

    /// <summary>Only these collections; default: all.</summary>
    public IReadOnlyList<string>? Collections { get; init; }

    /// <summary>Only these tables; default: all.</summary>
    public IReadOnlyList<string>? Tables { get; init; }

    /// <summary>False: a file that is in use, or has a write-ahead log, is an error rather than copied.</summary>
    public bool? Copy { get; init; }

    /// <summary>Read source and target again at the end and compare them. Default: for small files.</summary>
    public bool? Verify { get; init; }

    /// <summary>Take backups in a folder along; they hold what the originals hold.</summary>
    public bool? IncludeBackups { get; init; }
}

/// <summary>How far an import has come.</summary>
public static class ImportStatuses
{
    public const string Running = "running";
    public const string Completed = "completed";

    /// <summary>Stopped by an error; the same request goes on with it.</summary>
    public const string Failed = "failed";

    /// <summary>Stopped on request; the same request goes on with it.</summary>
    public const string Cancelled = "cancelled";
    public const string Undone = "undone";
}

/// <summary>Rows of a table and what became of them; <paramref name="Read"/> is always the sum of the others.</summary>
/// <param name="Duplicate">There already, from this file, another one or an earlier import.</param>
/// <param name="Rejected">Kept with their reasons, see <see cref="ImportReject"/>.</param>
public sealed record ImportCounts(long Read, long Imported, long Duplicate, long Rejected)
{
    public static ImportCounts None { get; } = new(0, 0, 0, 0);

    public static ImportCounts operator +(ImportCounts left, ImportCounts right) =>
        new(left.Read + right.Read, left.Imported + right.Imported, left.Duplicate + right.Duplicate, left.Rejected + right.Rejected);
}

public sealed record ImportedTable(string Name, long Read, long Imported, long Duplicate, long Rejected);

/// <summary>A knowledge graph.</summary>
/// <param name="Edges">Counted by the ids of their ends.</param>
/// <param name="Sentences">The same edges as memories ("A uses B"): two edges may say the same.</param>
public sealed record ImportedGraph(ImportCounts Edges, ImportCounts Sentences, ImportCounts Entities);

/// <param name="Table"><c>*</c>: the whole file.</param>
public sealed record SkippedTable(string Table, string Reason);

/// <summary>What became of one file.</summary>
public sealed record ImportedFile
{
    public required string Path { get; init; }

    /// <summary>Which layouts it holds: seed, g1 … g5, kg.</summary>
    public IReadOnlyList<string> Generation { get; init; } = [];

    /// <summary>To which its times without a zone are local.</summary>
    public required string TimeZone { get; init; }

    /// <summary>Tables whose rows are texts, in the order of import.</summary>
    public IReadOnlyList<ImportedTable> Tables { get; init; } = [];

    /// <summary>Null where the file holds none.</summary>
    public ImportedGraph? Graph { get; init; }

    /// <summary>Other tables that were taken over → their rows.</summary>
    public IReadOnlyDictionary<string, long> Carried { get; init; } = new Dictionary<string, long>(StringComparer.Ordinal);
    public IReadOnlyList<SkippedTable> Skipped { get; init; } = [];
}

/// <summary>Outcome of reading source and target again.</summary>
/// <param name="Rows">Rows of the source that were looked at.</param>
/// <param name="AccountedFor">Rows that are stored as they should be, or kept as rejects.</param>
/// <param name="Differences">The first of what is not as it should be, a sentence each.</param>
public sealed record ImportVerification(long Rows, long AccountedFor, IReadOnlyList<string> Differences);

/// <summary>What an import has done so far, over all its runs: <c>result</c> of its operation.</summary>
public record ImportReport
{
    /// <summary>Null for a dry run, which leaves nothing to be asked for.</summary>
    public Guid? ImportId { get; init; }
    public IReadOnlyList<ImportedFile> Files { get; init; } = [];

    /// <summary>Over the tables of texts alone.</summary>
    public ImportCounts Total { get; init; } = ImportCounts.None;

    /// <summary>True when every row was found to be accounted for.</summary>
    public bool Verified { get; init; }

    /// <summary>Null where it was not asked for, or is still to come.</summary>
    public ImportVerification? Verification { get; init; }

    /// <summary>Memories of this import that are found by words and not yet by meaning.</summary>
    public long PendingEmbeddings { get; init; }

    /// <summary>That the work took, over all runs.</summary>
    public double Seconds { get; init; }
}

/// <summary>An import as <c>GET /imports/{id}</c> shows it: its report, and how it stands.</summary>
public sealed record Import : ImportReport
{
    /// <summary>One of <see cref="ImportStatuses"/>.</summary>
    public required string Status { get; init; }

    /// <summary>What was asked for.</summary>
    public IReadOnlyList<string> Paths { get; init; } = [];

    /// <summary>The operation that worked on it last.</summary>
    public Guid? OperationId { get; init; }
    public DateTimeOffset StartedAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
}

/// <summary>An import in the list.</summary>
/// <param name="Status">One of <see cref="ImportStatuses"/>.</param>
public sealed record ImportSummary(
    Guid ImportId, string Status, IReadOnlyList<string> Paths, string TimeZone, ImportCounts Total, DateTimeOffset StartedAt, DateTimeOffset? FinishedAt);

/// <summary>A row that was not imported.</summary>
/// <param name="Row">Its number in the table, from 1.</param>
/// <param name="Raw">The whole row.</param>
public sealed record ImportReject(string File, string Table, long Row, string Reason, JsonElement Raw);

/// <summary>What an undo did: <c>result</c> of its operation.</summary>
public sealed record ImportUndone
{
    public required Guid ImportId { get; init; }

    /// <summary>Memories that are gone.</summary>
    public long Removed { get; init; }

    /// <summary>Memories that stay because another import brought them as well.</summary>
    public long Passed { get; init; }

    /// <summary>Memories that stay because they were changed since.</summary>
    public long Kept { get; init; }

    /// <summary>The first of <see cref="Kept"/>.</summary>
    public IReadOnlyList<Guid> KeptMemories { get; init; } = [];

    /// <summary>Entities, edges, groups, dependencies and links that are gone.</summary>
    public long ObjectsRemoved { get; init; }
}

/// <summary>Typed client of <c>/imports</c>.</summary>
/// <exception cref="ApiException">Any method: the server refused, and said why.</exception>
public sealed class ImportsClient(HttpClient http)
{
    /// <returns>The queued (or already running) operation; its result is an <see cref="ImportReport"/>.</returns>
    public Task<Operation> StartAsync(ImportRequest request, CancellationToken ct = default) =>
        http.SendAsync<Operation>(HttpMethod.Post, "/imports", request, ct);

    /// <summary>Newest first.</summary>
    public Task<Page<ImportSummary>> ListAsync(string? cursor = null, CancellationToken ct = default) =>
        http.SendAsync<Page<ImportSummary>>(HttpMethod.Get, "/imports" + ApiHttp.Query(("cursor", cursor)), null, ct);

    public Task<Import> GetAsync(Guid id, CancellationToken ct = default) =>
        http.SendAsync<Import>(HttpMethod.Get, $"/imports/{id}", null, ct);

    public Task<Page<ImportReject>> RejectsAsync(Guid id, string? cursor = null, CancellationToken ct = default) =>
        http.SendAsync<Page<ImportReject>>(HttpMethod.Get, $"/imports/{id}/rejects" + ApiHttp.Query(("cursor", cursor)), null, ct);

    /// <returns>The queued (or already running) operation; its result is an <see cref="ImportUndone"/>.</returns>
    public Task<Operation> UndoAsync(Guid id, CancellationToken ct = default) =>
        http.SendAsync<Operation>(HttpMethod.Post, $"/imports/{id}:undo", null, ct);
}
