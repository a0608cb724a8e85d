using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Mahavishnu.Embeddings;

namespace Mahavishnu.Ingest.Tests;

/// <summary>What holds for every text, of whatever structure it claims to be.</summary>
public sealed class ChunkerLaws
{
    private static readonly string[] Pieces =
    [
        "\n", "\n", "\n\n", "\r\n", " ", "    ", "\t", "word ", "parseHTTPResponse", "snake_case_2", "1234567", "().;", "naïve", "e\u0301", "検索エンジン", "😀", ". ", "public void Run()\n{\n",
        "class A", "def f(x):\n", "# heading\n", "```\n", "====\n", "[section]\n", "key: value\n", "<h2>Title</h2>\n", "CREATE TABLE t (\n", "}\n", "/// comment\n", "{", "\u00a0", "\u2028",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "                                                  ",
    ];

    [Property(Arbitrary = [typeof(ChunkerLaws)], MaxTest = 500)]
    public void Chunks_joined_are_the_text_and_none_exceeds_the_limit(Sample sample)
    {
        var chunks = new Chunker(sample.MaxTokens, sample.Overlap).Split(sample.Text, sample.Structure);
        if (string.IsNullOrWhiteSpace(sample.Text))
        {
            Assert.Empty(chunks);
            return;
        }

        Hold(sample.Text, sample.MaxTokens, sample.Overlap, chunks);
    }

    internal static void Hold(string text, int maxTokens, int overlap, IReadOnlyList<Chunk> chunks)
    {
        Assert.Equal(text, string.Concat(chunks.Select(c => text[(c.Start + c.Overlap)..c.End])));
        Assert.Equal(0, chunks[0].Overlap);
        for (var i = 0; i < chunks.Count; i++)
        {
            var chunk = chunks[i];
            Assert.Equal(i, chunk.Ordinal);
            Assert.True(chunk.End > chunk.Start + chunk.Overlap, "a chunk brings something new");
            Assert.InRange(TokenCounter.Count(text.AsSpan(chunk.Start, chunk.End - chunk.Start)), 0, maxTokens);
            Assert.InRange(TokenCounter.Count(text.AsSpan(chunk.Start, chunk.Overlap)), 0, overlap);
            Assert.True(i == 0 || chunk.Start >= chunks[i - 1].Start, "an overlap is of the chunk before");
            Assert.Equal(1 + text.AsSpan(0, chunk.Start).Count('\n'), chunk.FirstLine);
            Assert.Equal(1 + text.AsSpan(0, chunk.End - 1).Count('\n'), chunk.LastLine);
            Assert.False(chunk.Start > 0 && char.IsLowSurrogate(text[chunk.Start]) && char.IsHighSurrogate(text[chunk.Start - 1]), "a pair is whole");
        }
    }

    public static Arbitrary<Sample> Samples() => Arb.From(
        from pieces in Gen.ListOf(Gen.Elements(Pieces))
        from times in Gen.Choose(1, 30)
        from structure in Gen.Elements(Enum.GetValues<Structure>())
        from maxTokens in Gen.Choose(16, 200)
        from overlap in Gen.Choose(0, maxTokens / 2)
        select new Sample(string.Concat(Enumerable.Repeat(string.Concat(pieces), times)), structure, maxTokens, overlap));

    public sealed record Sample(string Text, object Kind, int MaxTokens, int Overlap)
    {
        internal Structure Structure => (Structure)Kind;
    }
}
