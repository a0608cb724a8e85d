namespace Mahavishnu.Migration;

/// <summary>A file of Session-Buddy's, open for reading and never changed.</summary>
internal sealed class SourceFile : IAsyncDisposable
{
    private SourceFile(string path, byte[] hash, long bytes, bool copied, IReadOnlyList<SourceTable> tables) =>
        (Path, Hash, Bytes, Copied, Tables) = (path, hash, bytes, copied, tables);

    public string Path { get; }

    /// <summary>SHA-256 of the bytes of the file and of its write-ahead log, if it has one.</summary>
    public byte[] Hash { get; }
    public long Bytes { get; }

    /// <summary>A copy is read: the file is in use, or has a write-ahead log.</summary>
    public bool Copied { get; }

    /// <summary>In the order they are to be imported; skipped ones last.</summary>
    public IReadOnlyList<SourceTable> Tables { get; }

    /// <summary>The generations that the file holds.</summary>
    public IReadOnlyList<string> Generations => [.. Tables.Where(t => t.Generation.Length > 0 && t.Role != SourceRole.Skipped).Select(t => t.Generation).Distinct(StringComparer.Ordinal)];

    /// <exception cref="SourceFileException">It cannot be read.</exception>
    public static Task<SourceFile> OpenAsync(string path, SourceOptions options, CancellationToken ct) => throw new SourceFileException($"{path}: reading is not built yet.");

    /// <summary>The rows behind <paramref name="after"/>, in order, one by one: the file may be of any size.</summary>
    public async IAsyncEnumerable<SourceRow> ReadAsync(SourceTable table, long after, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        await Task.CompletedTask.WaitAsync(ct);
        _ = Path;
        yield break;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
