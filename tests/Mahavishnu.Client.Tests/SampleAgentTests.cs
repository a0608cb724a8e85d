using System.Diagnostics;

namespace Mahavishnu.Client.Tests;

/// <summary>The sample, run as its user runs it.</summary>
public sealed class SampleAgentTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_knows_in_its_second_session_what_it_was_told_in_its_first()
    {
        await using var world = await ClientWorld.StartAsync(postgres);

        var (firstCode, first, said) = await RunAsync("The buoy was painted red in May.\n\n", "--echo", "--project-id", "harbour", "--url", world.Host.Address.ToString());
        var (secondCode, second, _) = await RunAsync("Which colour has the buoy?\nThank you.\n\n", "--echo", "--project-id", "harbour", "--url", world.Host.Address.ToString());

        Assert.Equal((0, 0), (firstCode, secondCode));
        Assert.Contains("no model", said, StringComparison.Ordinal);
        Assert.Equal("You said: The buoy was painted red in May. I recall nothing.", first.Trim());
        Assert.Matches(@"^You said: Which colour has the buoy\? I recall: .*The buoy was painted red in May\.", second);
        Assert.Equal([2, 4], (await world.Host.Conversations.ListAsync([], Ct)).Items.Select(c => c.Messages).Order());
    }

    [Fact]
    public async Task Without_a_model_and_without_a_memory_it_says_so_and_goes_on()
    {
        var (code, output, error) = await RunAsync("Anybody there?\n", "--url", "http://127.0.0.1:1", "--ollama", "http://127.0.0.1:1");

        Assert.Equal((0, "You said: Anybody there? I recall nothing."), (code, output.Trim()));
        Assert.Contains("no Ollama answers at http://127.0.0.1:1/", error, StringComparison.Ordinal);
        Assert.Contains("Nothing was recalled", error, StringComparison.Ordinal);
        Assert.Contains("A turn was not stored", error, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(string input, params string[] arguments)
    {
        // tests/Mahavishnu.Client.Tests/bin/Debug/net10.0/
        var built = new DirectoryInfo(AppContext.BaseDirectory);
        var root = built.Parent!.Parent!.Parent!.Parent!.Parent!.FullName;
        var program = Path.Combine(root, "samples", "Mahavishnu.SampleAgent", "bin", built.Parent.Name, "net10.0", "Mahavishnu.SampleAgent.dll");
        using var process = Process.Start(new ProcessStartInfo("dotnet", [program, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var written = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(Ct), process.StandardError.ReadToEndAsync(Ct));
        await process.WaitForExitAsync(Ct);
        return (process.ExitCode, written[0], written[1]);
    }
}
