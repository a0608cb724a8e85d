using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.Embeddings.Tests;

/// <summary>The count is the server's: what fits by it is taken whole, one token more is not.</summary>
public sealed class WordPieceTokensTests
{
    private static readonly WordPieceTokens Tokens = new(StandInVocabulary.English);

    [Theory]
    [InlineData("", 0)]
    [InlineData(" \t\r\n\u00A0\u200B", 0)]
    [InlineData("the", 1)]
    [InlineData("The QUEUE", 2)]
    [InlineData("searching", 2)] // search, ing
    [InlineData("the,queue", 3)]
    [InlineData("x+y", 3)]
    [InlineData("don't", 4)] // do n ' t
    [InlineData("na\u00EFve", 3)] // n a ive: the mark is dropped
    [InlineData("\u6C34\u706B", 2)] // each Chinese character stands alone
    [InlineData("test\u0442\u0435\u0441\u0442", 8)] // cannot be spelled: one a character
    public void Words_count_as_their_pieces(string text, int count) => Assert.Equal(count, Tokens.Count(text));

    [Theory]
    [MemberData(nameof(Sample))]
    public void It_agrees_with_the_server(string text)
    {
        var vocabulary = StandInVocabulary.English.ToHashSet(StringComparer.Ordinal);

        Assert.Equal(StandInVocabulary.Count(StandInModel.NomicEmbedText, text, vocabulary), Tokens.Count(text));
    }

    [Theory]
    [MemberData(nameof(Sample))]
    public void The_longest_beginning_that_fits_is_found(string text)
    {
        var all = Tokens.Count(text);
        for (var most = 1; most <= Math.Min(all + 1, 60); most++)
        {
            var length = Tokens.LengthWithin(text, most);

            Assert.InRange(Tokens.Count(text.AsSpan(0, length)), 0, most);
            Assert.True(length == text.Length || Tokens.Count(text.AsSpan(0, length + 1)) > most, $"{most} tokens: {length} of {text.Length} characters");
            Assert.Equal(all <= most, length == text.Length);
        }
    }

    [Fact]
    public void Parts_joined_are_the_text_and_each_fits()
    {
        var text = string.Join("\n\n", Sample().Select(s => s.Data)) + new string('a', 5_000);

        var parts = TextParts.Split(text, 50, Tokens);

        Assert.Equal(text, string.Concat(parts));
        Assert.All(parts, p => Assert.InRange(Tokens.Count(p), 0, 50));
    }

    [Fact]
    public void A_pair_of_surrogates_is_not_cut()
    {
        const string Text = "\U0001F600\U0001F601\U0001F602";

        Assert.Equal(2, Tokens.LengthWithin(Text, 1));
        Assert.Equal(2, Tokens.LengthWithin(Text, 3));
        Assert.Equal(4, Tokens.LengthWithin(Text, 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => Tokens.LengthWithin(Text, 0));
    }

    public static TheoryData<string> Sample() =>
    [
        "The quick brown fox jumps over the lazy dog.",
        "public async Task<int> CountAsync(string path, CancellationToken ct) => await _store.CountAsync(path, ct);",
        "https://example.org/a/b?c=d&e=f#g [1] {2} \"3\" `code` ~/home $HOME 100% a_b-c",
        "line one\r\nline two\n\n\tindented; and so on...   with   blanks",
        "QWxhZGRpbjpvcGVuIHNlc2FtZUFsYWRkaW46b3BlbiBzZXNhbWVBbGFkZGluOm9wZW4gc2VzYW1lQWxhZGRpbjpvcGVuIHNlc2FtZUFsYWRkaW46b3BlbiBzZXNhbWU",
        "state-of-the-art, unspoken; naturally! (searching)",
    ];
}
