namespace Mahavishnu.Search.Tests;

/// <summary>How a question is read.</summary>
public sealed class AskedTextTests
{
    [Theory]
    [InlineData("connection reset")]
    [InlineData("git push --force")]
    [InlineData("a-b and well-known")]
    [InlineData("x -> y")]
    [InlineData("rm -rf / and ls -la")]
    [InlineData("from -1 to -273")]
    [InlineData("list - of - things")]
    [InlineData("printf(\"hello\")")]
    [InlineData("a 5\" pipe")]
    [InlineData("one \" quote")]
    [InlineData("{\"level\":\"error\"}")]
    [InlineData("\"\" and \" \"")]
    [InlineData("don't 'quote' me")]
    public void Ordinary_text_has_no_signs(string text)
    {
        var asked = AskedText.Read(text);

        Assert.True(asked.IsPlain);
        Assert.Equal(text, asked.Words);
    }

    [Fact]
    public void Quotes_and_dashes_are_taken_out_and_a_phrase_is_looked_for_too()
    {
        var asked = AskedText.Read("why \"connection reset by peer\" -nginx -\"load balancer\", in (“the pool”)?");

        Assert.Equal(["connection reset by peer", "the pool"], asked.Phrases);
        Assert.Equal([new Exclusion("nginx", false), new Exclusion("load balancer", true)], asked.Excluded);
        Assert.Equal("why connection reset by peer  , in (the pool)?", asked.Words);
    }

    [Fact]
    public void A_pasted_text_full_of_quotes_is_no_list_of_phrases()
    {
        var json = "{ \"level\": \"error\", \"message\": \"it broke\", \"at\": \"noon\", \"by\": \"me\", \"because\": \"of you\" }";

        var asked = AskedText.Read(json);

        Assert.Empty(asked.Phrases);
        Assert.Equal(json, asked.Words);
    }

    [Theory]
    [InlineData("deplo", "deplo")]
    [InlineData("Kube", "kube")]
    [InlineData("猫", "猫")]
    [InlineData("de", null)]
    [InlineData("deplo now", null)]
    [InlineData("a-b-c", null)]
    [InlineData("internationalisation", null)]
    public void One_short_word_may_be_a_beginning(string text, string? prefix) => Assert.Equal(prefix, AskedText.Read(text).Prefix);

    [Theory]
    [InlineData("where is services/Storage/SqlText.cs?", "services/storage/sqltext.cs")]
    [InlineData("what does SqlText.cs do", "sqltext.cs")]
    [InlineData("src\\Storage\\SqlText.cs", "src/storage/sqltext.cs")]
    [InlineData("getUserName or get_user_name", "getusername", "get_user_name")]
    [InlineData("HttpClientFactory.CreateClient fails", "httpclientfactory.createclient")]
    [InlineData("Chunker", "chunker")]
    [InlineData("What does the Chunker do?")]
    public void Names_of_code_are_known_by_their_shape(string text, params string[] names) => Assert.Equal(names, AskedText.Read(text).Names);

    [Theory]
    [InlineData("connection reset", @"\yconnection\s+reset\y")]
    [InlineData("C++ (2.5)", @"\yC\+\+\s+\(2\.5\)")]
    [InlineData("->", @"\-\>")]
    [InlineData("数据库", "数据库")]
    [InlineData("a\tb\n c_d", @"\ya\s+b\s+c\_d\y")]
    public void A_phrase_is_compared_letter_by_letter(string phrase, string pattern) => Assert.Equal(pattern, TextPattern.Of(phrase));
}
