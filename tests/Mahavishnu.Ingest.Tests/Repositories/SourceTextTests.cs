using System.Text;

namespace Mahavishnu.Ingest.Tests;

public sealed class SourceTextTests
{
    [Fact]
    public void Text_is_read_with_and_without_a_mark_and_in_utf_16_with_one()
    {
        const string text = "naïve 😀\n";
        Encoding[] encodings = [new UTF8Encoding(false), new UTF8Encoding(true), new UnicodeEncoding(false, true), new UnicodeEncoding(true, true)];
        Assert.All(encodings, e => Assert.Equal(text, SourceText.Decode([.. e.GetPreamble(), .. e.GetBytes(text)])));
        Assert.Equal("", SourceText.Decode([]));
    }

    [Fact]
    public void What_is_no_text_is_refused()
    {
        byte[][] binary = [[0], [65, 0, 66], [0xFF], [0xC3], [65, 0xE9, 66], [0xFF, 0xFE, 0x00, 0xD8], [0xFF, 0xFE, 0x00, 0x00], [0xFF, 0xFE, 65], [0xED, 0xA0, 0x80]];
        Assert.All(binary, bytes => Assert.Null(SourceText.Decode(bytes)));
    }
}
