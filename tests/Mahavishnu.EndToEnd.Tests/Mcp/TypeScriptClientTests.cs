using System.ComponentModel;
using System.Diagnostics;
using Mahavishnu.Contracts;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>Clients that nobody here has written: the protocol's own, from npm, in both of its generations (client.mjs says what they do).</summary>
public sealed class TypeScriptClientTests(SplitRunning running) : IClassFixture<SplitRunning>
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static readonly string Folder = Path.Combine(ProgramProcess.Root, "tests", "Mahavishnu.EndToEnd.Tests", "Mcp", "client");
    private static readonly Lazy<Task> Packages = new(InstallAsync);

    [Theory]
    [InlineData("1")]
    [InlineData("2")]
    public async Task They_call_every_tool_over_HTTP_and_get_what_its_schema_says(string generation)
    {
        await StartAsync();

        await SucceedsAsync("node", "client.mjs", generation, "http", new Uri(running.System.Url, Resources.Mcp).ToString());
    }

    [Theory]
    [InlineData("1")]
    [InlineData("2")]
    public async Task They_call_every_tool_of_the_program_on_standard_input_and_output(string generation)
    {
        await StartAsync();

        await SucceedsAsync("node", "client.mjs", generation, "stdio", "dotnet", ProgramProcess.ProgramFile("Mahavishnu.Cli", "mahavishnu-cli"), "mcp", "--url", running.System.Url.ToString());
    }

    /// <summary>The system, with a repository to be found.</summary>
    private async Task StartAsync()
    {
        await Packages.Value;
        await running.StartAsync();
        running.Roots.Write("tide-tables/src/print.py", "def print_high_tide(table):\n    \"\"\"Prints when high tide is.\"\"\"\n    print(table)\n");
        var ct = TestContext.Current.CancellationToken;
        var operation = await running.System.Repositories.IngestAsync(new IngestRepositoryRequest { Path = Path.Combine(running.Roots.Path, "tide-tables"), RepoId = "tide-tables" }, ct);
        await Eventually.Async(() => running.System.Operations.GetAsync(operation.Id, ct), o => o.State == OperationStates.Completed, "The ingestion");
    }

    private static async Task SucceedsAsync(string program, params string[] arguments)
    {
        var (code, output) = await RunAsync(program, arguments);
        Assert.True(code == 0, output);
    }

    /// <summary>The packages of package-lock.json. A machine without Node skips, unless it is the one that has to have it; a registry that cannot be reached says nothing of us.</summary>
    private static async Task InstallAsync()
    {
        try
        {
            await RunAsync("node", "--version");
        }
        catch (Win32Exception)
        {
            Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") is { Length: > 0 }, "Node.js is not installed here.");
            throw;
        }

        // npm leaves it behind when it is through.
        if (File.GetLastWriteTimeUtc(Path.Combine(Folder, "node_modules", ".package-lock.json")) > File.GetLastWriteTimeUtc(Path.Combine(Folder, "package-lock.json")))
        {
            return;
        }

        var (code, output) = await RunAsync(OperatingSystem.IsWindows() ? "npm.cmd" : "npm", "ci", "--no-audit", "--no-fund", "--prefer-offline");
        Assert.SkipWhen(code != 0, $"npm could not fetch the clients: {output}");
    }

    private static async Task<(int Code, string Output)> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = Folder, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        ProgramProcess.Isolate(start);
        using var process = Process.Start(start)!;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            var written = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(patience.Token), process.StandardError.ReadToEndAsync(patience.Token));
            await process.WaitForExitAsync(patience.Token);
            return (process.ExitCode, string.Join('\n', written));
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
