using System.Text;

namespace Mahavishnu.Ingest;

/// <summary>The bytes of a file as text, or the finding that they are none.</summary>
internal static class SourceText
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly UnicodeEncoding Utf16 = new(bigEndian: false, byteOrderMark: false, throwOnInvalidBytes: true);
    private static readonly UnicodeEncoding Utf16BigEndian = new(bigEndian: true, byteOrderMark: false, throwOnInvalidBytes: true);

    /// <summary>
    /// UTF-8 (with or without a mark), or UTF-16 with its mark. Null when it is binary: a NUL character, or bytes that are no valid text. Legacy
    /// eight-bit encodings count as binary, as guessing one would store wrong letters.
    /// </summary>
    public static string? Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var text = bytes switch
            {
                [0xEF, 0xBB, 0xBF, .. var rest] => Utf8.GetString(rest),
                [0xFF, 0xFE, .. var rest] => Utf16.GetString(rest),
                [0xFE, 0xFF, .. var rest] => Utf16BigEndian.GetString(rest),
                _ => bytes.Contains((byte)0) ? null : Utf8.GetString(bytes),
            };
            return text?.Contains('\0', StringComparison.Ordinal) == true ? null : text;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
