using System.Buffers.Binary;
using System.Text;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>A protobuf message by its field numbers, as far as OTLP needs it.</summary>
internal sealed class Protobuf
{
    private readonly List<(int Field, ulong Number, ReadOnlyMemory<byte> Bytes)> _fields = [];

    public Protobuf(ReadOnlyMemory<byte> message)
    {
        while (message.Length > 0)
        {
            var tag = Varint(ref message);
            var field = (int)(tag >> 3);
            switch (tag & 7)
            {
                case 0:
                    _fields.Add((field, Varint(ref message), default));
                    break;
                case 1:
                    _fields.Add((field, BinaryPrimitives.ReadUInt64LittleEndian(message.Span), default));
                    message = message[8..];
                    break;
                case 2:
                    var length = (int)Varint(ref message);
                    _fields.Add((field, 0, message[..length]));
                    message = message[length..];
                    break;
                case 5:
                    _fields.Add((field, BinaryPrimitives.ReadUInt32LittleEndian(message.Span), default));
                    message = message[4..];
                    break;
                default:
                    throw new InvalidDataException($"Wire type {tag & 7} of field {field}.");
            }
        }
    }

    public IEnumerable<Protobuf> All(int field) => _fields.Where(f => f.Field == field).Select(f => new Protobuf(f.Bytes));

    public Protobuf One(int field) => All(field).FirstOrDefault() ?? new Protobuf(default);

    public bool Has(int field) => _fields.Exists(f => f.Field == field);

    public bool IsTrue(int field) => _fields.Exists(f => f.Field == field && f.Number != 0);

    public string Text(int field) => Encoding.UTF8.GetString(Bytes(field).Span);

    /// <summary>As ids are written.</summary>
    public string Hex(int field) => Convert.ToHexStringLower(Bytes(field).Span);

    private ReadOnlyMemory<byte> Bytes(int field) => _fields.FirstOrDefault(f => f.Field == field).Bytes;

    private static ulong Varint(ref ReadOnlyMemory<byte> message)
    {
        var value = 0UL;
        for (var i = 0; ; i++)
        {
            var part = message.Span[i];
            value |= (ulong)(part & 0x7f) << (7 * i);
            if (part < 0x80)
            {
                message = message[(i + 1)..];
                return value;
            }
        }
    }
}
