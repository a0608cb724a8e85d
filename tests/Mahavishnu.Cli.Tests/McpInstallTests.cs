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
    [InlineData("{ // mine\n \"mcpServers\": {} }", "comments")]
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
    public async Task What_cannot_be_meant_is_wrong_usage(params string[] arguments)
    {
        using var variables = new Variables();

        Assert.Equal(ExitCode.WrongUsage, (await Cli.RunAsync(["mcp", "install", .. arguments, "--url", "http://127.0.0.1:9000"])).Code);
    }
}
