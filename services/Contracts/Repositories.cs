namespace Mahavishnu.Contracts;

/// <summary>Body of <c>POST /repositories</c>: a directory of the server's machine to make searchable.</summary>
public sealed record IngestRepositoryRequest
{
    /// <summary>An absolute path inside one of <c>Ingest:Roots</c>.</summary>
    public string? Path { get; init; }

    /// <summary>The name under which it is known; default: the folder's name.</summary>
    public string? RepoId { get; init; }
    public string? ProjectId { get; init; }

    /// <summary>Globs (<c>**/*.cs</c>) that replace the default set of text and source files.</summary>
    public IReadOnlyList<string>? Include { get; init; }

    /// <summary>Globs left out in addition to <c>.gitignore</c>.</summary>
    public IReadOnlyList<string>? Exclude { get; init; }
}

/// <summary>An ingested repository.</summary>
public sealed record Repository(
    string RepoId, string Path, string? Commit, int Files, int Chunks, string Status, DateTimeOffset IngestedAt);

/// <summary><c>result</c> of a <c>repository</c> operation.</summary>
public sealed record RepositoryResult
{
    public required string RepoId { get; init; }
    public string? Commit { get; init; }

    /// <summary>Files read and (re)written in this run.</summary>
    public int FilesChanged { get; init; }
    public int FilesUnchanged { get; init; }
    public int FilesRemoved { get; init; }
    public int FilesSkipped { get; init; }

    /// <summary>Reason → count, such as <c>binary</c> or <c>too_large</c>.</summary>
    public IReadOnlyDictionary<string, int> Skipped { get; init; } = new Dictionary<string, int>(StringComparer.Ordinal);
    public int ChunksCreated { get; init; }
    public int ChunksKept { get; init; }
    public int ChunksRemoved { get; init; }
    public long Bytes { get; init; }

    /// <summary>Chunks of this repository after the run.</summary>
    public int Chunks { get; init; }
    public double Seconds { get; init; }
}
