using System.Runtime.CompilerServices;

namespace Mahavishnu.Ingest;

/// <summary>The lines of a stream, one at a time, in one buffer that is as long as the longest line. Blank lines are left out.</summary>
internal static class LineReader
{
    private const int FirstLength = 64 * 1024;

    /// <returns>Each line, valid until the next is asked for; null for one of more than <paramref name="longest"/> bytes, which is skipped.</returns>
    public static async IAsyncEnumerable<Memory<byte>?> ReadAsync(Stream stream, int longest, [EnumeratorCancellation] CancellationToken ct)
    {
        var buffer = new byte[Math.Min(FirstLength, longest + 1)];
        var (start, end, searched) = (0, 0, 0);
        var skipping = false;
        for (var read = 1; read > 0;)
        {
            if (start > 0)
            {
                buffer.AsSpan(start..end).CopyTo(buffer);
                (start, end, searched) = (0, end - start, searched - start);
            }

            if (end == buffer.Length)
            {
                if (buffer.Length > longest)
                {
                    // Nothing of it is needed any more; its end is still to be found.
                    skipping = true;
                    (end, searched) = (0, 0);
                }
                else
                {
                    Array.Resize(ref buffer, (int)Math.Min(buffer.Length * 2L, longest + 1L));
                }
            }

            read = await stream.ReadAsync(buffer.AsMemory(end), ct);
            end += read;
            while (start < end)
            {
                var at = buffer.AsSpan(searched..end).IndexOf((byte)'\n');
                if (at < 0 && read > 0)
                {
                    searched = end;
                    break;
                }

                // The last line needs no line break.
                var stop = at < 0 ? end : searched + at;
                var line = buffer.AsMemory(start..stop);
                start = searched = Math.Min(stop + 1, end);
                if (skipping)
                {
                    skipping = false;
                    yield return null;
                }
                else if (!IsBlank(line.Span))
                {
                    yield return line;
                }
            }
        }

        if (skipping)
        {
            yield return null;
        }
    }

    private static bool IsBlank(ReadOnlySpan<byte> line) => line.IndexOfAnyExcept(" \t\r"u8) < 0;
}
