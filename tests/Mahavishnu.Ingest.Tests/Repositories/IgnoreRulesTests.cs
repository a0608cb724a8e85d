namespace Mahavishnu.Ingest.Tests;

/// <summary>Each case was compared with what git itself does.</summary>
public sealed class IgnoreRulesTests
{
    [Theory]
    [InlineData("*.o", "a.o|deep/er/b.o", "a.ob|o|a.o/no")]
    [InlineData("/top.txt", "top.txt", "sub/top.txt")]
    [InlineData("doc/*.txt", "doc/a.txt", "doc/sub/a.txt|x/doc/a.txt")]
    [InlineData("**/logs", "logs|a/logs|a/b/logs", "logs2|a/logs/x")]
    [InlineData("logs/**", "logs/a|logs/a/b", "logs|a/logs/b")]
    [InlineData("a/**/b", "a/b|a/x/b|a/x/y/b", "a|b|ab|x/a/b")]
    [InlineData("foo**bar", "foobar|fooxbar", "foo/bar")]
    [InlineData("file?.[ch]", "file1.c|fileX.h", "file.c|file12.c|file1.d")]
    [InlineData("[!a-c]x", "dx", "ax|cx|x")]
    [InlineData("[]]x", "]x", "[x")]
    [InlineData("[a", "", "[a|a")]
    [InlineData("\\#a", "#a", "a")]
    [InlineData("\\!a", "!a", "a")]
    [InlineData("a\\*b", "a*b", "axb")]
    [InlineData("trail   ", "trail", "trail   ")]
    [InlineData("space\\ ", "space ", "space")]
    [InlineData("# comment", "", "# comment|comment")]
    [InlineData("*\n!keep.md", "a|b.md", "keep.md|x/keep.md")]
    [InlineData("*.log\r\n!a.log\r\n", "b.log", "a.log")]
    [InlineData("/\n//\n!", "", "a|a/b")]
    public void A_pattern_leaves_out_what_git_leaves_out(string file, string ignored, string kept)
    {
        var rules = IgnoreRules.None.With("", file);
        Assert.All(Paths(ignored), path => Assert.True(rules.Ignores(path, isFolder: false), path));
        Assert.All(Paths(kept), path => Assert.False(rules.Ignores(path, isFolder: false), path));
    }

    [Fact]
    public void A_slash_at_the_end_asks_for_a_folder()
    {
        var rules = IgnoreRules.None.With("", "build/\n/a/b/");
        Assert.True(rules.Ignores("x/build", isFolder: true));
        Assert.False(rules.Ignores("x/build", isFolder: false));
        Assert.True(rules.Ignores("a/b", isFolder: true));
    }

    [Fact]
    public void The_nearest_file_with_an_opinion_decides()
    {
        var outer = IgnoreRules.None.With("", "*.log\n/src/secret");
        var inner = outer.With("src/", "!keep.log\nsecret2");
        Assert.False(inner.Ignores("src/keep.log", isFolder: false));
        Assert.True(inner.Ignores("src/other.log", isFolder: false));
        Assert.True(inner.Ignores("src/secret", isFolder: false));
        Assert.True(inner.Ignores("src/deep/secret2", isFolder: false));
        Assert.True(outer.Ignores("keep.log", isFolder: false));
    }

    [Fact]
    public void A_hostile_pattern_takes_no_time()
    {
        var rules = IgnoreRules.None.With("", string.Concat(Enumerable.Repeat("*a", 400)) + "b\n" + string.Concat(Enumerable.Repeat("**/a/", 400)) + "b");
        Assert.False(rules.Ignores(new string('a', 200) + "/" + string.Concat(Enumerable.Repeat("a/", 400)) + "c", isFolder: false));
    }

    private static string[] Paths(string list) => list.Split('|', StringSplitOptions.RemoveEmptyEntries);
}
