using System.Text;
using Mahavishnu.Embeddings;

namespace Mahavishnu.Ingest.Tests;

public sealed class ChunkerTests
{
    [Fact]
    public void A_text_without_a_visible_character_has_no_chunk()
    {
        Assert.Empty(new Chunker().Split("", Structure.Prose));
        Assert.Empty(new Chunker().Split(" \r\n\t\n", Structure.Braces));
    }

    [Fact]
    public void A_small_text_is_one_chunk_of_all_its_lines()
    {
        var chunk = Assert.Single(new Chunker().Split("one\ntwo\nthree", Structure.Prose));
        Assert.Equal(new Chunk(0, 0, 13, 0, 1, 3, null), chunk);
    }

    [Fact]
    public void Functions_of_some_size_are_chunks_of_their_own_with_their_names_lines_and_comments()
    {
        var text = string.Concat(Enumerable.Range(1, 3).Select(i => $"# Says {i}.\n@cached\ndef speak_{i}():\n" + Lines(40, "    print('some words to say')") + "\n"));
        var chunks = new Chunker(1_024, 0).Split(text, Structure.Keywords);

        Assert.Equal(["speak_1", "speak_2", "speak_3"], chunks.Select(c => c.Symbol));
        Assert.Equal([(1, 44), (45, 88), (89, 132)], chunks.Select(c => (c.FirstLine, c.LastLine)));
        Assert.All(chunks, c => Assert.StartsWith("# Says", text[c.Start..c.End], StringComparison.Ordinal));
    }

    [Fact]
    public void Small_neighbours_share_a_chunk()
    {
        var text = string.Concat(Enumerable.Range(1, 50).Select(i => $"def f{i}():\n    return {i}\n\n"));
        var chunks = new Chunker().Split(text, Structure.Keywords);
        Assert.InRange(chunks.Count, 2, 8);
        Assert.All(chunks, c => Assert.StartsWith("def f", text[(c.Start + c.Overlap)..c.End], StringComparison.Ordinal));
    }

    [Fact]
    public void A_long_function_is_cut_between_paragraphs_and_every_part_bears_its_name()
    {
        var text = "class Store:\n    def save(self):\n" + string.Concat(Enumerable.Repeat(Lines(10, "        self.write(row, column, value)") + "\n", 40));
        var chunks = new Chunker().Split(text, Structure.Keywords);
        Assert.True(chunks.Count > 3);
        Assert.All(chunks.Skip(1), c => Assert.Equal("Store.save", c.Symbol));
        Assert.All(chunks.SkipLast(1), c => Assert.EndsWith("\n\n", text[c.Start..c.End], StringComparison.Ordinal));
    }

    [Fact]
    public void Chunks_overlap_by_the_last_lines_or_words_of_the_one_before()
    {
        var lines = Lines(400, "the quick brown fox jumps over the lazy dog");
        var longLines = Lines(40, string.Join(' ', Enumerable.Repeat("the quick brown fox jumps over the lazy dog", 6)));
        foreach (var text in new[] { lines, longLines })
        {
            var chunks = new Chunker().Split(text, Structure.Prose);
            Assert.All(chunks.Skip(1), c => Assert.InRange(TokenCounter.Count(text.AsSpan(c.Start, c.Overlap)), 10, 20));
        }
    }

    [Fact]
    public void One_enormous_line_without_a_blank_is_cut_and_keeps_its_number()
    {
        var text = "first\n" + new string('x', 200_000) + "\nlast";
        var chunks = new Chunker().Split(text, Structure.Data);
        ChunkerLaws.Hold(text, 1_024, 20, chunks);
        Assert.All(chunks.Skip(2).SkipLast(1), c => Assert.Equal((2, 2), (c.FirstLine, c.LastLine)));
    }

    [Fact]
    public void A_heading_begins_a_chunk_and_names_it_and_a_fence_is_no_heading()
    {
        var body = Lines(20, "Some words about the matter at hand, and some more.");
        var text = $"# One\n\n{body}\n## Two\n\n{body}\n```sh\n# not a heading\n```\n\nThree\n=====\n{body}";
        var chunks = new Chunker(1_024, 0).Split(text, Structure.Markdown);
        Assert.Equal(["One", "Two", "Three"], chunks.Select(c => c.Symbol));
    }

    [Fact]
    public void A_chunker_remembers_nothing_of_the_text_before()
    {
        var chunker = new Chunker();
        var text = "class A\n{\n    void Run()\n    {\n    }\n}\n";
        var alone = chunker.Split(text, Structure.Braces);
        chunker.Split("```\n# open fence\n\n  class B {", Structure.Markdown);
        Assert.Equal(alone, chunker.Split(text, Structure.Braces));
    }

    [Fact]
    public void Limits_that_make_no_sense_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Chunker(15));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Chunker(100, 51));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Chunker(100, -1));
    }

    private static string Lines(int count, string line) => new StringBuilder().Insert(0, line + "\n", count).ToString();
}
