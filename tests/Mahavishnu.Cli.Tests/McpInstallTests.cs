using System.Text.Json.Nodes;

namespace Mahavishnu.Cli.Tests;

/// <summary><c>mcp install</c>: somebody else's settings file, changed in one place.</summary>
[Collection(EnvironmentCollection.Name)]
public sealed class McpInstallTests : IDisposable
{
    private readonly string _project = Directory.CreateTempSubdirectory("mahavishnu-install-").FullName;

    private string Claude => Path.Combine(_project, ".mcp.json");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_project, recursive: true);

    [Theory]
    [InlineData("claude", ".mcp.json", "mcpServers")]
    [InlineData("cursor", ".cursor/mcp.json", "mcpServers")]
    [InlineData("vscode", ".vscode/mcp.json", "servers")]
    public async Task A_client_is_told_the_address_where_it_looks_for_it(string client, string file, string key)
    {
        using var variables = new Variables();

        var run = await Cli.RunAsync("mcp", "install", client, "--project", _project, "--url", "http://memory.example:9000");

        Assert.Equal(ExitCode.Done, run.Code);
        var entry = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(_project, file), Ct))![key]!["mahavishnu"]!;
        Assert.Equal("http://memory.example:9000/mcp", (string)entry["url"]!);
        Assert.Null(entry["headers"]);
    }

    [Fact]
    public async Task A_key_stays_in_the_environment()
    {
        using var variables = new Variables(("MAHAVISHNU_API_KEY", "a-very-secret-key"));

        var run = await Cli.RunAsync("mcp", "install", "claude", "--project", _project, "--url", "http://127.0.0.1:9000");

        var text = await File.ReadAllTextAsync(Claude, Ct);
        Assert.Contains("\"Bearer ${MAHAVISHNU_API_KEY}\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("a-very-secret-key", text + run.Out + run.Error, StringComparison.Ordinal);
        Assert.Contains("set MAHAVISHNU_API_KEY", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_else_is_there_stays_and_a_second_time_changes_nothing()
    {
        using var variables = new Variables();
        await File.WriteAllTextAsync(Claude, """{"$schema":"x","mcpServers":{"other":{"command":"<o>","n":1.50},"mahavishnu":{"command":"old","args":["x"],"timeout":9}}}""", Ct);

        var first = await Cli.RunAsync("mcp", "install", "claude", "--project", _project, "--url", "http://127.0.0.1:9000");
        var written = await File.ReadAllTextAsync(Claude, Ct);
        var second = await Cli.RunAsync("mcp", "install", "claude", "--project", _project, "--url", "http://127.0.0.1:9000");

        Assert.True(JsonNode.DeepEquals(
            JsonNode.Parse("""{"$schema":"x","mcpServers":{"other":{"command":"<o>","n":1.50},"mahavishnu":{"timeout":9,"type":"http","url":"http://127.0.0.1:9000/mcp"}}}"""), JsonNode.Parse(written)), written);
        Assert.Contains("1.50", written, StringComparison.Ordinal);
        Assert.StartsWith("wrote", first.Out, StringComparison.Ordinal);
        Assert.StartsWith("left, as it says so already", second.Out, StringComparison.Ordinal);
        Assert.Equal(written, await File.ReadAllTextAsync(Claude, Ct));
    }

    [Theory]
    [InlineData("{ \"mcpServers\": ", "is not JSON, with comments or without (line 1)")]
    [InlineData("{ \"mcpServers\": {\"mahavishnu\":{\"url\": [/* mine */]}} }", "A comment stands in what has to be replaced")]
    [InlineData("{ \"a\": 1, \"a\": 2 }", "is not JSON")]
    [InlineData("[]", "not a JSON object")]
    [InlineData("{\"mcpServers\":[]}", "'mcpServers' is not an object")]
    [InlineData("{\"mcpServers\":{\"mahavishnu\":7}}", "'mahavishnu' is not an object")]
    public async Task A_file_that_cannot_be_changed_without_losing_something_is_left_alone(string text, string said)
    {
        using var variables = new Variables();
        await File.WriteAllTextAsync(Claude, text, Ct);

        var run = await Cli.RunAsync("mcp", "install", "claude", "--project", _project, "--url", "http://127.0.0.1:9000");

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
        Assert.Equal(text, await File.ReadAllTextAsync(Claude, Ct));
    }

    [Fact]
    public async Task Comments_and_the_way_it_is_written_stay()
    {
        using var variables = new Variables();
        const string Before = """
            // Servers of this project.
            {
                "inputs": [], // asked for
                "servers": { // the usual ones
                    /* local */ "other": { "command": "<o>", "n": 1.50, },
                    "mahavishnu": { "type": "stdio", "command": "old", "timeout": 9 /* slow */ },
                },
            }

            """;
        const string After = """
            // Servers of this project.
            {
                "inputs": [], // asked for
                "servers": { // the usual ones
                    /* local */ "other": { "command": "<o>", "n": 1.50, },
                    "mahavishnu": {
                  "url": "http://127.0.0.1:9000/mcp", "type": "http",  "timeout": 9 /* slow */ },
                },
            }

            """;
        var file = Path.Combine(_project, ".vscode", "mcp.json");
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await File.WriteAllTextAsync(file, Before, Ct);

        var run = await Cli.RunAsync("mcp", "install", "vscode", "--project", _project, "--url", "http://127.0.0.1:9000");

        Assert.Equal(ExitCode.Done, run.Code);
        Assert.Equal(After, await File.ReadAllTextAsync(file, Ct));
    }

    [Theory]
    [InlineData("{ // mine\n}")]
    [InlineData("{ // mine\r\n  \"servers\": {}, /* none */\r\n}")]
    [InlineData("{\n  // mine\n  \"servers\": {\n    \"a\": {} // A\n  }\n}")]
    [InlineData("{ \"x\": [1, /* two */ 2,], }")]
    [InlineData("/* mine */ { \"servers\": { \"a\": \"ü // no comment\" } }")]
    public async Task What_is_added_to_a_file_with_comments_is_taken_out_again(string text)
    {
        using var variables = new Variables();
        var file = Path.Combine(_project, ".vscode", "mcp.json");
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await File.WriteAllTextAsync(file, text, Ct);
        var options = new System.Text.Json.JsonDocumentOptions { CommentHandling = System.Text.Json.JsonCommentHandling.Skip, AllowTrailingCommas = true };

        var added = await Cli.RunAsync("mcp", "install", "vscode", "--project", _project, "--url", "http://127.0.0.1:9000");
        var between = await File.ReadAllTextAsync(file, Ct);
        var removed = await Cli.RunAsync("mcp", "install", "vscode", "--project", _project, "--url", "http://127.0.0.1:9000", "--remove");
        var after = await File.ReadAllTextAsync(file, Ct);

        Assert.Equal((ExitCode.Done, ExitCode.Done), (added.Code, removed.Code));
        Assert.Equal("http://127.0.0.1:9000/mcp", (string)JsonNode.Parse(between, documentOptions: options)!["servers"]!["mahavishnu"]!["url"]!);
        Assert.Null(JsonNode.Parse(after, documentOptions: options)!["servers"]!["mahavishnu"]);
        // Every word of the user's, comments among them, is still there.
        foreach (var word in text.Split([' ', '\n', '\r', ',', '{', '}'], StringSplitOptions.RemoveEmptyEntries))
        {
            Assert.Contains(word, between, StringComparison.Ordinal);
            Assert.Contains(word, after, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Hooks_come_beside_what_is_there_once_and_go_again()
    {
        using var variables = new Variables();
        const string Own = """{"model":"opus","hooks":{"Stop":[{"matcher":"","hooks":[{"type":"command","command":"say done"}]}],"PreToolUse":[]}}""";
        var settings = Path.Combine(_project, ".claude", "settings.json");
        Directory.CreateDirectory(Path.GetDirectoryName(settings)!);
        await File.WriteAllTextAsync(settings, Own, Ct);
        string[] install = ["mcp", "install", "claude", "--hooks", "--project", _project, "--url", "http://memory.example:9000/it's"];

        var first = await Cli.RunAsync(install);
        var written = await File.ReadAllTextAsync(settings, Ct);
        var second = await Cli.RunAsync(install);
        var hooks = JsonNode.Parse(written)!["hooks"]!;

        Assert.Equal(ExitCode.Done, first.Code);
        Assert.Equal(["wrote", "wrote"], first.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(' ')[0]));
        Assert.Equal(2, second.Out.Split("left, as it says so already").Length - 1);
        Assert.Equal(written, await File.ReadAllTextAsync(settings, Ct));
        Assert.Equal("say done", (string)hooks["Stop"]![0]!["hooks"]![0]!["command"]!);
        Assert.Equal("opus", (string)JsonNode.Parse(written)!["model"]!);
        foreach (var (name, script) in new[] { ("SessionStart", "session-start.sh"), ("UserPromptSubmit", "user-prompt-submit.sh"), ("Stop", "stop.sh"), ("SessionEnd", "stop.sh") })
        {
            var hook = hooks[name]!.AsArray().SelectMany(g => g!["hooks"]!.AsArray()).Single(h => ((string)h!["command"]!).Contains(script, StringComparison.Ordinal))!;
            Assert.Equal($"bash \"$CLAUDE_PROJECT_DIR\"/.claude/hooks/mahavishnu/{script} 'http://memory.example:9000/it%27s/'", (string)hook["command"]!);
            Assert.True(File.Exists(Path.Combine(_project, ".claude", "hooks", "mahavishnu", script)));
        }

        var removed = await Cli.RunAsync([.. install, "--remove"]);

        Assert.StartsWith("took out of", removed.Out, StringComparison.Ordinal);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Own), JsonNode.Parse(await File.ReadAllTextAsync(settings, Ct))));
        Assert.False(Directory.Exists(Path.Combine(_project, ".claude", "hooks")));
        Assert.Null(JsonNode.Parse(await File.ReadAllTextAsync(Claude, Ct))!["mcpServers"]!["mahavishnu"]);
    }

    [Fact]
    public async Task Hooks_are_shown_and_not_written()
    {
        using var variables = new Variables();

        var run = await Cli.RunAsync("mcp", "install", "claude", "--hooks", "--project", _project, "--print", "--url", "http://127.0.0.1:9000");

        Assert.Contains("\"UserPromptSubmit\"", run.Out, StringComparison.Ordinal);
        Assert.Contains("stop.sh", run.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_project));
    }

    [Fact]
    public async Task Print_shows_and_writes_nothing()
    {
        using var variables = new Variables();

        var http = await Cli.RunAsync("mcp", "install", "other", "--print", "--url", "http://127.0.0.1:9000");
        var stdio = await Cli.RunAsync("mcp", "install", "claude", "--project", _project, "--print", "--stdio", "--url", "http://127.0.0.1:9000");

        Assert.Equal("http://127.0.0.1:9000/mcp", (string)JsonNode.Parse(http.Out)!["mcpServers"]!["mahavishnu"]!["url"]!);
        Assert.Equal(["mcp", "--url", "http://127.0.0.1:9000/"], JsonNode.Parse(stdio.Out)!["mcpServers"]!["mahavishnu"]!["args"]!.AsArray().Select(a => (string)a!));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_project));
    }

    [Theory]
    [InlineData("notepad")]
    [InlineData("claude", "--project", "x", "--user")]
    [InlineData("copilot", "--project", "x")]
    [InlineData("other", "--user")]
    [InlineData("vscode", "--hooks")]
    [InlineData("claude", "--print", "--remove")]
    public async Task What_cannot_be_meant_is_wrong_usage(params string[] arguments)
    {
        using var variables = new Variables();

        Assert.Equal(ExitCode.WrongUsage, (await Cli.RunAsync(["mcp", "install", .. arguments, "--url", "http://127.0.0.1:9000"])).Code);
    }
}
