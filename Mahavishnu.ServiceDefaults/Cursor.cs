using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using Mahavishnu.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Mahavishnu.ServiceDefaults;

/// <summary>Where a listing goes on. A cursor holds its position and the mark of its listing, filters included: elsewhere it would mean something else, so it is refused.</summary>
public static class Cursor
{
    // One byte of format, eight of the listing's hash, then the position.
    private const byte Format = 1;
    private const int HeadLength = 9;

    // Of a cursor that holds a name.
    private const int LongestName = 8_192;

    /// <summary>The cursor for a position of a listing.</summary>
    /// <param name="listing">Name and filters of the listing, in one spelling.</param>
    public static string Write(string listing, ReadOnlySpan<byte> position)
    {
        Span<byte> cursor = stackalloc byte[HeadLength + position.Length];
        Head(listing, cursor);
        position.CopyTo(cursor[HeadLength..]);
        return Base64Url.EncodeToString(cursor);
    }

    /// <summary>Reads a position back.</summary>
    /// <returns>False: not a cursor of this listing.</returns>
    public static bool TryRead(string cursor, string listing, Span<byte> position)
    {
        Span<byte> read = stackalloc byte[HeadLength + position.Length];
        // The length first: nothing longer is decoded.
        if (cursor.Length != Base64Url.GetEncodedLength(read.Length) || Base64Url.DecodeFromChars(cursor, read, out _, out var length) != OperationStatus.Done || length != read.Length)
        {
            return false;
        }

        Span<byte> head = stackalloc byte[HeadLength];
        Head(listing, head);
        read[HeadLength..].CopyTo(position);
        return read[..HeadLength].SequenceEqual(head);
    }

    /// <summary>The cursor for a position in a listing by name.</summary>
    public static string Write(string listing, string name) => Write(listing, Encoding.UTF8.GetBytes(name));

    /// <summary>Reads a position by name back.</summary>
    /// <returns>Null: not a cursor of this listing.</returns>
    public static string? Name(string cursor, string listing)
    {
        var length = cursor.Length > LongestName ? 0 : Base64Url.GetMaxDecodedLength(cursor.Length) - HeadLength;
        var position = new byte[Math.Max(0, length)];
        // Whoever makes one up may say what no database takes for a text.
        return length > 0 && TryRead(cursor, listing, position) && Utf8.IsValid(position) && !position.Contains((byte)0) ? Encoding.UTF8.GetString(position) : null;
    }

    /// <summary>400 for a cursor that is none of the listing's.</summary>
    public static ProblemHttpResult Refused() =>
        Problems.Validation("cursor", "The cursor is not one of this listing with these filters.", ErrorCodes.InvalidCursor);

    private static void Head(string listing, Span<byte> head)
    {
        head[0] = Format;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(listing), hash);
        hash[..(HeadLength - 1)].CopyTo(head[1..]);
    }
}
