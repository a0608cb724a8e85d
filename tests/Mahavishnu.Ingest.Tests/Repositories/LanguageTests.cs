namespace Mahavishnu.Ingest.Tests;

public sealed class LanguageTests
{
    [Theory]
    [InlineData("src/Program.cs", "csharp")]
    [InlineData("a/b/MAIN.PY", "python")]
    [InlineData("Dockerfile", "dockerfile")]
    [InlineData("docs/README", "text")]
    [InlineData("notes.markdown", "markdown")]
    [InlineData(".editorconfig", "ini")]
    [InlineData("a.tar.gz", null)]
    [InlineData("photo.png", null)]
    [InlineData("noextension", null)]
    [InlineData("ends.", null)]
    [InlineData(".env", null)]
    [InlineData("", null)]
    [InlineData("a.this_is_no_extension_but_a_very_long_one_indeed", null)]
    public void A_name_tells_the_language(string path, string? language)
    {
        Assert.Equal(language, Language.Of(path)?.Name);
    }

    [Theory]
    [InlineData("cs md txt yaml yml json toml sql html py js ts go rs java c h cpp sh rb php")]
    public void The_default_set_covers_code_text_and_data(string extensions)
    {
        Assert.All(extensions.Split(' '), e => Assert.NotNull(Language.Of("x." + e)));
    }
}
