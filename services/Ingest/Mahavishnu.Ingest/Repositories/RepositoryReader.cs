using System.Security.Cryptography;

namespace Mahavishnu.Ingest;

/// <summary>What reading a file came to.</summary>
internal abstract record ReadFile
{
    /// <summary>As the last run left it.</summary>
    public sealed record Unchanged : ReadFile;

    /// <summary>It is not there any more.</summary>
    public sealed record Gone : ReadFile;

    /// <summary>It is there and is no text to be kept; one of <see cref="SkipReasons"/>.</summary>
    public sealed record Skipped(string Reason) : ReadFile;

    /// <summary>New or changed.</summary>
    public sealed record Changed(FileChunks File) : ReadFile;
}

/// <summary>Reads one file after another: bytes → hash → text → chunks. One thread at a time.</summary>
internal sealed class RepositoryReader(
    string directory, long maxFileBytes, byte[] settingsHash, IReadOnlyDictionary<string, StoredFile> known, ChunkDrafts drafts, RepositoryTelemetry telemetry, TimeProvider time)
{
    private byte[] _buffer = new byte[64 * 1024];

    public ReadFile Read(FoundFile found)
    {
        var started = time.GetTimestamp();
        int length;
        DateTimeOffset modifiedAt;
        try
        {
            length = ReadBytes(found, out modifiedAt);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new ReadFile.Gone();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new ReadFile.Skipped(SkipReasons.Unreadable);
        }

        if (length > maxFileBytes)
        {
            return new ReadFile.Skipped(SkipReasons.TooLarge);
        }

        var bytes = _buffer.AsSpan(0, length);
        var hash = SHA256.HashData(bytes);
        telemetry.FileRead(length);
        if (known.TryGetValue(found.Path, out var stored) && stored.BlobHash.AsSpan().SequenceEqual(hash) && stored.SettingsHash.AsSpan().SequenceEqual(settingsHash))
        {
            telemetry.Spent(RepositoryTelemetry.Read, time.GetElapsedTime(started));
            return new ReadFile.Unchanged();
        }

        var text = SourceText.Decode(bytes);
        telemetry.Spent(RepositoryTelemetry.Read, time.GetElapsedTime(started));
        if (text is null)
        {
            return new ReadFile.Skipped(SkipReasons.Binary);
        }

        started = time.GetTimestamp();
        var chunks = drafts.Make(found.Path, text, modifiedAt);
        telemetry.Spent(RepositoryTelemetry.Split, time.GetElapsedTime(started));
        return new ReadFile.Changed(new FileChunks(found.Path, hash, length, chunks));
    }

    /// <returns>How many bytes of the buffer are the file; more than are allowed when it is too large.</returns>
    private int ReadBytes(FoundFile found, out DateTimeOffset modifiedAt)
    {
        var path = Path.Combine(directory, found.Path);
        modifiedAt = new DateTimeOffset(File.GetLastWriteTimeUtc(path));

        // What has no length is not opened: to open a pipe could last for ever.
        if (found.Length == 0)
        {
            return File.Exists(path) ? 0 : throw new FileNotFoundException(found.Path);
        }

        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
        var length = 0;
        while (length <= maxFileBytes)
        {
            if (length == _buffer.Length)
            {
                Array.Resize(ref _buffer, (int)Math.Min(_buffer.Length * 2L, maxFileBytes + 1));
            }

            var read = RandomAccess.Read(file, _buffer.AsSpan(length), length);
            if (read == 0)
            {
                break;
            }

            length += read;
        }

        return length;
    }
}
