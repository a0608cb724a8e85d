using System.Buffers.Binary;
using System.Text;

namespace Mahavishnu.Migration;

/// <summary>Looks at the first bytes of a file before DuckDB does, whose messages are for its own developers.</summary>
internal static class SourceHeader
{
    // The newest that the library here reads; a test compares.
    public const ulong NewestVersion = 68;

    // Three headers of 4 KiB, then blocks. The first: checksum, "DUCK", version. The two others, the newer of which
    // holds: checksum, iteration, meta block, free list, number of blocks, size of a block.
    private const int HeaderLength = 4_096;
    private const int MagicAt = 8;
    private const int VersionAt = 12;
    private const int LibraryAt = 52;
    private const int IterationAt = 8;
    private const int BlocksAt = 32;
    private const int BlockLengthAt = 40;
    private const ulong DefaultBlockLength = 262_144;

    /// <exception cref="SourceFileException">It is not a DuckDB file, or not the whole of one.</exception>
    public static async Task CheckAsync(string path, Stream file, CancellationToken ct)
    {
        if (file.Length == 0)
        {
            throw new SourceFileException($"{path} is empty.");
        }

        var bytes = new byte[3 * HeaderLength];
        var length = await file.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, ct);
        if (bytes.AsSpan().StartsWith("SQLite format 3\0"u8))
        {
            throw new SourceFileException($"{path} is an SQLite file; only Session-Buddy's DuckDB files are imported.");
        }

        if (length < VersionAt + sizeof(ulong) || !bytes.AsSpan(MagicAt, 4).SequenceEqual("DUCK"u8))
        {
            throw new SourceFileException($"{path} is not a DuckDB file.");
        }

        var version = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(VersionAt));
        if (version > NewestVersion)
        {
            throw new SourceFileException($"{path} has storage version {version}, of a newer DuckDB{Library(bytes)} than this program reads ({NewestVersion}): update this program.");
        }

        if (length < bytes.Length || file.Length < (long)WholeLength(bytes))
        {
            throw new SourceFileException($"{path} is cut off: it is shorter ({file.Length:N0} bytes) than its header says.");
        }
    }

    private static ulong WholeLength(ReadOnlySpan<byte> bytes)
    {
        var first = bytes[HeaderLength..];
        var second = bytes[(2 * HeaderLength)..];
        var newest = Number(first, IterationAt) >= Number(second, IterationAt) ? first : second;
        var (blocks, blockLength) = (Number(newest, BlocksAt), Number(newest, BlockLengthAt));
        // Older versions do not say how long a block is.
        blockLength = blockLength == 0 ? DefaultBlockLength : blockLength;
        return blocks > long.MaxValue / 2 / blockLength ? 0 : (3 * HeaderLength) + (blocks * blockLength);
    }

    private static ulong Number(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);

    private static string Library(byte[] bytes)
    {
        var text = Encoding.ASCII.GetString(bytes.AsSpan(LibraryAt, 16)).TrimEnd('\0');
        return text.Length > 1 && text[0] == 'v' && char.IsAsciiDigit(text[1]) ? $" ({text})" : "";
    }
}
