namespace Mahavishnu.Cli.Tests;

public sealed class UsageTests
{
    [Theory]
    [InlineData("Find memories by meaning and by words", "")]
    [InlineData("Required command", "db")]
    [InlineData("'frobnicate'", "frobnicate")]
    [InlineData("QUESTION", "search")]
    [InlineData("--limit must be between 1 and 200", "search --limit 0 word")]
    [InlineData("--limit must be between 1 and 200", "search --limit 201 word")]
    [InlineData("--limit must be between 1 and 200", "search --limit many word")]
    [InlineData("--limit", "search word --limit")]
    [InlineData("--mode 'semantic' is not one of hybrid, vector, text.", "search --mode semantic word")]
    [InlineData("--type 'note' is not one of ", "search --type note word")]
    [InlineData("--as-of 'yesterday' is not an ISO 8601 time such as 2026-01-31T12:00:00Z.", "search word --as-of yesterday")]
    [InlineData("--port must be between 0 and 65535", "up --port 65536")]
    [InlineData("--port must be between 0 and 65535", "up --port -1")]
    [InlineData("PATH", "ingest")]
    [InlineData("--repo names one repository", "ingest one two --repo name")]
    [InlineData("PATH", "import")]
    [InlineData("--time-zone 'Mars/Olympus'", "import file --time-zone Mars/Olympus")]
    [InlineData("--verify and --no-verify", "import file --verify --no-verify")]
    [InlineData("ID '42'", "import undo 42")]
    [InlineData("FILE", "db backup")]
    [InlineData("'sideways'", "db sideways")]
    [InlineData("Required command", "embeddings")]
    [InlineData("MODEL", "embeddings add")]
    [InlineData("--provider 'cloud' is not one of ollama, builtin.", "embeddings add nomic-embed-text --provider cloud")]
    [InlineData("--distance 'manhattan' is not one of cosine, l2, ip.", "embeddings add nomic-embed-text --distance manhattan")]
    [InlineData("--rate must be between 1 and 1000000", "embeddings add nomic-embed-text --rate 0")]
    [InlineData("--limit must be between 1 and 1000", "embeddings failed --limit 1001")]
    [InlineData("ID 'the-second' is not an id", "embeddings retry 0198c0de-0000-7000-8000-000000000001 the-second")]
    [InlineData("ID", "embeddings compare")]
    [InlineData("--queries must be between 1 and 500", "embeddings compare 2 --queries 501")]
    [InlineData("ID", "embeddings activate")]
    [InlineData("ID", "embeddings index")]
    [InlineData("--kind 'flat' is not one of hnsw, hnsw-vector, ivfflat, none.", "embeddings index 1 --kind flat")]
    [InlineData("--lists must be between 1 and 32768", "embeddings index 1 --kind ivfflat --lists 0")]
    [InlineData("--probes must be between 1 and 32768", "embeddings index 1 --kind ivfflat --probes many")]
    [InlineData("ID", "embeddings drop")]
    [InlineData("MEMORY_ID", "eval pin question")]
    [InlineData("MEMORY_ID 'here' is not an id", "eval pin question here")]
    [InlineData("--type 'note' is not one of ", "eval pin question 0198c0de-0000-7000-8000-000000000001 --type note")]
    [InlineData("ID 'first' is not an id", "eval unpin first")]
    [InlineData("-k must be between 1 and 100", "eval run -k 0")]
    [InlineData("--mode 'semantic' is not one of hybrid, vector, text.", "eval run --mode semantic")]
    [InlineData("--url 'nowhere'", "status --url nowhere")]
    [InlineData("--url 'ftp://somewhere'", "status --url ftp://somewhere")]
    public async Task Wrong_usage_names_the_argument_and_exits_with_2(string named, string line)
    {
        var run = await Cli.RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal(ExitCode.WrongUsage, run.Code);
        Assert.Contains(named, run.Error, StringComparison.Ordinal);
        Assert.Contains("--help", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Out);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("up --help")]
    [InlineData("ingest --help")]
    [InlineData("search --help")]
    [InlineData("import --help")]
    [InlineData("db restore --help")]
    [InlineData("embeddings add --help")]
    [InlineData("embeddings index --help")]
    [InlineData("eval pin --help")]
    [InlineData("conversation link add --help")]
    public async Task Help_is_an_answer_and_names_what_the_user_typed(string line)
    {
        var run = await Cli.RunAsync(line.Split(' '));

        Assert.Equal(ExitCode.Done, run.Code);
        Assert.Contains("mahavishnu " + line.Replace(" --help", "", StringComparison.Ordinal).Replace("--help", "", StringComparison.Ordinal), run.Out, StringComparison.Ordinal);
        Assert.Empty(run.Error);
    }

    [Theory]
    [InlineData("import --help", "mahavishnu import <PATH>... [command] [options]")]
    [InlineData("import undo --help", "mahavishnu import undo <ID> [options]")]
    public async Task Help_shows_the_arguments_of_the_command_it_is_about_and_no_others(string line, string usage)
    {
        var run = await Cli.RunAsync(line.Split(' '));

        Assert.Contains(run.Out.Split('\n'), l => l.Trim() == usage);
    }

    [Fact]
    public async Task Version_is_the_version_alone()
    {
        var run = await Cli.RunAsync("--version");

        Assert.Equal(ExitCode.Done, run.Code);
        Assert.Matches(@"^\d+\.\d+\.\d+\S*\s*$", run.Out);
    }

    [Fact]
    public void A_question_may_begin_with_an_at_sign_and_needs_no_quotes()
    {
        var parsed = CommandLine.Parse(new Terminal(TextWriter.Null, TextWriter.Null), ["search", "@Inject", "is", "used", "where?", "--limit", "3"]);

        Assert.Empty(parsed.Errors);
        Assert.Equal(["@Inject", "is", "used", "where?"], parsed.GetRequiredValue<string[]>("QUESTION"));
        Assert.Equal(3, parsed.GetValue<int?>("--limit"));
    }

    [Fact]
    public void Options_that_may_be_repeated_keep_every_value()
    {
        var parsed = CommandLine.Parse(new Terminal(TextWriter.Null, TextWriter.Null), ["ingest", "a", "b", "--include", "**/*.cs", "--include", "**/*.md", "--exclude", "bin/**"]);

        Assert.Empty(parsed.Errors);
        Assert.Equal(["a", "b"], parsed.GetRequiredValue<string[]>("PATH"));
        Assert.Equal(["**/*.cs", "**/*.md"], parsed.GetRequiredValue<string[]>("--include"));
        Assert.Equal(["bin/**"], parsed.GetRequiredValue<string[]>("--exclude"));
    }

    [Fact]
    public void Arguments_of_test_are_not_understood_as_ours()
    {
        var parsed = CommandLine.Parse(new Terminal(TextWriter.Null, TextWriter.Null), ["test", "--coverage", "--filter-class", "*Usage*", "--", "--report-trx"]);

        Assert.Empty(parsed.Errors);
    }
}
