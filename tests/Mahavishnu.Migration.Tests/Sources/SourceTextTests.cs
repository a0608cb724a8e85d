using System.Text;

namespace Mahavishnu.Migration.Tests.Sources;

public sealed class SourceTextTests
{
    [Theory]
    [InlineData("F09F9880", "😀")]
    [InlineData("EDA0BDEDB880", "😀")]
    [InlineData("61EDA0BD62", "a\uFFFDb")]
    [InlineData("EDB880EDA0BD", "\uFFFD\uFFFD")]
    [InlineData("ED9FBF", "\uD7FF")]
    [InlineData("610062", "ab")]
    [InlineData("C3A9EDA0", "é\uFFFD\uFFFD")]
    [InlineData("", "")]
    public void An_encoded_text_is_decoded_and_its_halves_are_joined(string bytes, string text) =>
        Assert.Equal(text, SourceText.Clean("__SB64__" + Convert.ToBase64String(Convert.FromHexString(bytes))));

    [Theory]
    [InlineData("__SB64__ is how it begins")]
    [InlineData("__SB64__YQ=")]
    [InlineData("see __SB64__YQ==")]
    [InlineData(" trailing space ")]
    public void What_is_not_encoded_stays_as_it_is(string text) => Assert.Equal(text, SourceText.Clean(text));

    [Fact]
    public void Every_text_that_Python_can_write_comes_back()
    {
        var random = new Random(11);
        for (var i = 0; i < 300; i++)
        {
            // As surrogatepass does it: a lone half by its own three bytes, everything else as UTF-8.
            var (bytes, expected) = (new List<byte>(), new StringBuilder());
            for (var n = random.Next(20); n > 0; n--)
            {
                var point = random.Next(4) switch { 0 => random.Next(0xD800, 0xDC00), 1 => random.Next(1, 0x80), 2 => random.Next(0xE000, 0x10000), _ => random.Next(0x10000, 0x110000) };
                if (point is >= 0xD800 and < 0xDC00)
                {
                    bytes.AddRange([0xED, (byte)(0x80 | ((point >> 6) & 0x3F)), (byte)(0x80 | (point & 0x3F))]);
                    expected.Append('\uFFFD');
                }
                else
                {
                    bytes.AddRange(Encoding.UTF8.GetBytes(char.ConvertFromUtf32(point)));
                    expected.Append(char.ConvertFromUtf32(point));
                }
            }

            Assert.Equal(expected.ToString(), SourceText.Clean("__SB64__" + Convert.ToBase64String(bytes.ToArray())));
        }
    }

    [Theory]
    [InlineData("oneiric", "oneiric")]
    [InlineData("/Users/les/Projects/oneiric", "oneiric")]
    [InlineData("/Users/les/Projects/oneiric//", "oneiric")]
    [InlineData("C:\\code\\oneiric", "oneiric")]
    [InlineData("  oneiric ", "oneiric")]
    [InlineData("/", "/")]
    [InlineData(" ", null)]
    [InlineData(null, null)]
    public void A_project_is_known_by_the_last_part_of_its_path(string? given, string? project) => Assert.Equal(project, SourceText.Project(given));
}
