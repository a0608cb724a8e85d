using System.Text;
using FsCheck.Xunit;

namespace Mahavishnu.Mcp.Tests;

/// <summary>What is true of every text that is cut or put together.</summary>
public sealed class ExcerptLaws
{
    [Property]
    public void Excerpts_keep_to_the_room_are_beginnings_and_come_in_order(string[] given, ushort room)
    {
        var texts = given.Select(t => t ?? "").ToList();
        var tokens = 200 + room;

        var excerpts = ToolLimits.Share(texts, tokens, overhead: 50);

        // The least that is always said may exceed the room by one excerpt.
        Assert.InRange(excerpts.Sum(e => Encoding.UTF8.GetByteCount(e.Text) + 50), 0, tokens * 3 + 200);
        Assert.True(excerpts.Count <= texts.Count);
        Assert.All(excerpts.Zip(texts), pair => Assert.StartsWith(pair.First.WasCut ? pair.First.Text[..^1] : pair.First.Text, pair.Second, StringComparison.Ordinal));
        Assert.All(excerpts.Zip(texts), pair => Assert.True(pair.First.WasCut || pair.First.Text == pair.Second));
    }

    [Fact]
    public void No_letter_is_cut_in_two()
    {
        var text = string.Concat(Enumerable.Repeat("𝄞", 1_000));

        var excerpt = ToolLimits.Share([text], 200, overhead: 0)[0];

        Assert.True(excerpt.WasCut);
        Assert.All(excerpt.Text[..^1].EnumerateRunes(), r => Assert.Equal(new Rune(0x1D11E), r));
    }

    [Fact]
    public void Everything_that_fits_is_whole_and_all_of_it()
    {
        string[] texts = ["short", new string('x', 500), "also short"];

        var excerpts = ToolLimits.Share(texts, 400, overhead: 20);

        Assert.Equal(texts, excerpts.Select(e => e.Text));
    }

    [Fact]
    public void Chunks_that_overlap_become_the_text_again() =>
        Assert.Equal("one two three four five", FileText.Join(["one two three", "three four", " four five"]));
}
