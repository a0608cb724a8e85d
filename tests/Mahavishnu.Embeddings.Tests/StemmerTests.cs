namespace Mahavishnu.Embeddings.Tests;

public sealed class StemmerTests
{
    [Theory]
    [InlineData("addresses", "address")]
    [InlineData("queries", "query")]
    [InlineData("boxes", "box")]
    [InlineData("files", "file")]
    [InlineData("file", "file")]
    [InlineData("cache", "cach")]
    [InlineData("caches", "cach")]
    [InlineData("caching", "cach")]
    [InlineData("running", "run")]
    [InlineData("calling", "call")]
    [InlineData("stopped", "stop")]
    [InlineData("string", "string")]
    [InlineData("status", "status")]
    [InlineData("class", "class")]
    [InlineData("analysis", "analysis")]
    [InlineData("need", "need")]
    [InlineData("its", "its")]
    [InlineData("b64s", "b64")]
    public void A_word_loses_its_ending(string word, string stem)
    {
        var letters = word.ToCharArray();
        Assert.Equal(stem, letters.AsSpan(0, Stemmer.Stem(letters)).ToString());
    }
}
