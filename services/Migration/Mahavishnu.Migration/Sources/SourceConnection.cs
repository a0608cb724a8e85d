using System.Security.Cryptography;
using DuckDB.NET.Data;

namespace Mahavishnu.Migration;

/// <summary>A DuckDB file opened for reading alone: where it stands, or as a copy in a folder of its own that goes when it is closed.</summary>
internal sealed class SourceConnection : IDisposable
{
    private const int CopyAttempts = 3;

    private readonly DirectoryInfo? _folder;

    private SourceConnection(DuckDBConnection connection, byte[] hash, long bytes, DirectoryInfo? folder) => (Main, Hash, Bytes, _folder) = (connection, hash, bytes, folder);

    public DuckDBConnection Main { get; }
    public byte[] Hash { get; }
    public long Bytes { get; }
    public bool Copied => _folder is not null;

    /// <exception cref="SourceFileException">One sentence that says why it cannot be read.</exception>
    public static async Task<SourceConnection> OpenAsync(string path, bool mayCopy, CancellationToken ct)
    {
        try
        {
            var (hash, bytes) = await LookAsync(path, ct);
            if (HasLog(path))
            {
                return mayCopy ? await OpenCopyAsync(path, ct)
                    : throw new SourceFileException($"{path} has a write-ahead log beside it ({Path.GetFileName(Log(path))}) and is read only as a copy, which was not allowed: close Session-Buddy, or allow the copy.");
            }

            try
            {
                return new SourceConnection(Open(path), hash, bytes, null);
            }
            catch (DuckDBException e) when (IsLocked(e))
            {
                return mayCopy ? await OpenCopyAsync(path, ct)
                    : throw new SourceFileException($"{path} is in use by another program and copying it was not allowed: close Session-Buddy, or allow the copy.", e);
            }
        }
        catch (DuckDBException e)
        {
            throw Explain(path, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SourceFileException($"{path} cannot be read: {FirstLine(e.Message)}", e);
        }
    }

    /// <summary>One sentence for what DuckDB says about a file while it is read.</summary>
    public static SourceFileException Explain(string path, DuckDBException e)
    {
        var message = FirstLine(e.Message);
        return new SourceFileException(
            message.Contains("WAL", StringComparison.Ordinal) ? $"The write-ahead log of {path} cannot be replayed; open the file once with Session-Buddy, or import it without its {Path.GetFileName(Log(path))}: {message}"
            : message.Contains("Corrupt", StringComparison.Ordinal) || message.Contains("Could not read enough bytes", StringComparison.Ordinal) ? $"{path} is damaged: {message}"
            : message.Contains("version number", StringComparison.Ordinal) ? $"{path} was written by another DuckDB than this program reads: {message}"
            : $"{path} cannot be read: {message}", e);
    }

    public DuckDBConnection OpenAnother()
    {
        var another = new DuckDBConnection(Main.ConnectionString);
        another.Open();
        return another;
    }

    private static DuckDBConnection Open(string path)
    {
        var connection = new DuckDBConnection(SourceCatalogStore.ConnectionString(path));
        try
        {
            connection.Open();
            SourceCatalogStore.SetUp(connection);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static async Task<SourceConnection> OpenCopyAsync(string path, CancellationToken ct)
    {
        var folder = Directory.CreateTempSubdirectory("mahavishnu-import-");
        try
        {
            var copy = Path.Combine(folder.FullName, Path.GetFileName(path));
            for (var attempt = 1; ; attempt++)
            {
                var before = Stamp(path);
                await CopyAsync(path, copy, ct);
                File.Delete(Log(copy));
                if (HasLog(path))
                {
                    await CopyAsync(Log(path), Log(copy), ct);
                }

                if (Stamp(path) == before)
                {
                    break;
                }

                if (attempt == CopyAttempts)
                {
                    throw new SourceFileException($"{path} is being written to: close Session-Buddy and import it again.");
                }
            }

            var (hash, bytes) = await LookAsync(copy, ct);
            return new SourceConnection(Open(copy), hash, bytes, folder);
        }
        catch
        {
            folder.Delete(recursive: true);
            throw;
        }
    }

    private static async Task CopyAsync(string from, string to, CancellationToken ct)
    {
        await using var source = OpenFile(from);
        await using var target = new FileStream(to, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, PreallocationSize = source.Length, Options = FileOptions.Asynchronous });
        await source.CopyToAsync(target, ct);
    }

    /// <summary>Checks the header, and takes the hash of the file and its log.</summary>
    private static async Task<(byte[] Hash, long Bytes)> LookAsync(string path, CancellationToken ct)
    {
        if (Directory.Exists(path))
        {
            throw new SourceFileException($"{path} is a folder.");
        }

        if (!File.Exists(path))
        {
            throw new SourceFileException($"{path} does not exist.");
        }

        if (new FileInfo(path).Length == 0)
        {
            // So is whatever is no file proper. A pipe must not even be opened: that would wait for somebody to write into it.
            throw new SourceFileException($"{path} is empty.");
        }

        await using var file = OpenFile(path);
        await SourceHeader.CheckAsync(path, file, ct);
        file.Position = 0;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await AppendAsync(hash, file, ct);
        if (HasLog(path))
        {
            await using var log = OpenFile(Log(path));
            await AppendAsync(hash, log, ct);
        }

        return (hash.GetHashAndReset(), file.Length);
    }

    private static async Task AppendAsync(IncrementalHash hash, FileStream file, CancellationToken ct)
    {
        var buffer = new byte[1024 * 1024];
        int read;
        while ((read = await file.ReadAsync(buffer, ct)) > 0)
        {
            hash.AppendData(buffer, 0, read);
        }
    }

    private static FileStream OpenFile(string path) =>
        new(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.ReadWrite | FileShare.Delete, Options = FileOptions.Asynchronous | FileOptions.SequentialScan, BufferSize = 0 });

    private static (long, DateTime, long, DateTime) Stamp(string path)
    {
        var (file, log) = (new FileInfo(path), new FileInfo(Log(path)));
        return (file.Length, file.LastWriteTimeUtc, log.Exists ? log.Length : 0, log.Exists ? log.LastWriteTimeUtc : default);
    }

    private static string Log(string path) => path + ".wal";

    private static bool HasLog(string path) => new FileInfo(Log(path)) is { Exists: true, Length: > 0 };

    // "Could not set lock on file …: Conflicting lock is held in … (PID 1)"; on Windows the other program keeps the file from being opened.
    private static bool IsLocked(DuckDBException e) =>
        e.Message.Contains("lock", StringComparison.OrdinalIgnoreCase) || e.Message.Contains("being used by another process", StringComparison.OrdinalIgnoreCase);

    private static string FirstLine(string message)
    {
        var line = message.Split('\n', 2)[0].Trim();
        return line.StartsWith("DuckDBOpen failed: ", StringComparison.Ordinal) ? line["DuckDBOpen failed: ".Length..] : line;
    }

    public void Dispose()
    {
        Main.Dispose();
        _folder?.Delete(recursive: true);
    }
}
