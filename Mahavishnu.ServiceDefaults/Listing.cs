using System.Buffers.Binary;
using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.ServiceDefaults;

/// <summary>Writes a position into the bytes of a cursor.</summary>
public delegate void PositionWriter<in TPosition>(TPosition position, Span<byte> into);

/// <summary>Reads a position back; null where the bytes are none.</summary>
public delegate TPosition? PositionReader<TPosition>(ReadOnlySpan<byte> from) where TPosition : struct;

/// <summary>One listing with its filters, page by page: reads the cursor that a caller goes on with, and writes the one of the next page.</summary>
/// <typeparam name="TPosition">What orders the listing: the value of its last item says where it goes on.</typeparam>
/// <param name="name">Name and filters, in one spelling: a <see cref="Cursor"/> of another listing is refused.</param>
/// <param name="length">Bytes of a position.</param>
public sealed class Listing<TPosition>(string name, int length, PositionWriter<TPosition> write, PositionReader<TPosition> read)
    where TPosition : struct
{
    /// <summary>Where the listing goes on.</summary>
    /// <param name="cursor">As given; null begins at the start.</param>
    /// <param name="from">The position of the last item seen; null at the start.</param>
    /// <returns>False: not a cursor of this listing; answer with <see cref="Cursor.Refused"/>.</returns>
    public bool TryRead(string? cursor, out TPosition? from)
    {
        Span<byte> position = stackalloc byte[length];
        from = cursor is not null && Cursor.TryRead(cursor, name, position) ? read(position) : null;
        return cursor is null || from is not null;
    }

    /// <summary>A page of what was found.</summary>
    /// <param name="more">Whether the listing goes on after these items.</param>
    /// <param name="at">The position of an item.</param>
    public Page<TItem> Page<TItem>(IReadOnlyList<TItem> items, bool more, Func<TItem, TPosition> at) =>
        new(items, more ? Write(at(items[^1])) : null);

    /// <summary>A page of what was found when one item more than the page holds was asked for.</summary>
    public Page<TItem> Page<TItem>(IReadOnlyList<TItem> found, int size, Func<TItem, TPosition> at) =>
        Page([.. found.Take(size)], found.Count > size, at);

    private string Write(TPosition position)
    {
        Span<byte> bytes = stackalloc byte[length];
        write(position, bytes);
        return Cursor.Write(name, bytes);
    }
}

/// <summary>The listings by what orders them. A filter is told apart by its JSON.</summary>
public static class Listing
{
    private const int TimeAndIdLength = sizeof(long) + IdLength;
    private const int IdLength = 16;

    /// <summary>A listing by time, then id.</summary>
    public static Listing<(DateTimeOffset Time, Guid Id)> ByTimeAndId(string resource, object? filter = null) => new(
        Named(resource, filter), TimeAndIdLength,
        (position, into) =>
        {
            BinaryPrimitives.WriteInt64BigEndian(into, position.Time.UtcTicks);
            position.Id.TryWriteBytes(into[sizeof(long)..]);
        },
        from => BinaryPrimitives.ReadInt64BigEndian(from) is >= 0 and var ticks && ticks <= DateTime.MaxValue.Ticks
            ? (new DateTimeOffset(ticks, TimeSpan.Zero), new Guid(from[sizeof(long)..]))
            : null);

    /// <summary>A listing by id, which for ids of version 7 is by time.</summary>
    public static Listing<Guid> ById(string resource, object? filter = null) =>
        new(Named(resource, filter), IdLength, (position, into) => position.TryWriteBytes(into), from => new Guid(from));

    /// <summary>A listing by a number.</summary>
    public static Listing<int> ByNumber(string resource, object? filter = null) =>
        new(Named(resource, filter), sizeof(int), (position, into) => BinaryPrimitives.WriteInt32BigEndian(into, position), from => BinaryPrimitives.ReadInt32BigEndian(from));

    private static string Named(string resource, object? filter) => filter is null ? resource : $"{resource}?{JsonSerializer.Serialize(filter, WireJson.Strict)}";
}
