using System.Diagnostics;

namespace Mahavishnu.Cli;

/// <summary>The private PostgreSQL of this machine, by way of <c>infra/postgres/local.sh</c>.</summary>
internal static class PrivateDatabase
{
    private const string Instruction =
        "there is no private PostgreSQL for this system. Run one with pgvector, for example\n" +
        "  docker run -d --name mahavishnu-postgres -p 127.0.0.1:5432:5432 -v mahavishnu:/var/lib/postgresql/data -e POSTGRES_DB=mahavishnu -e POSTGRES_PASSWORD=choose-one pgvector/pgvector:pg17\n" +
        "and set ConnectionStrings__mahavishnu to Host=127.0.0.1;Username=postgres;Password=choose-one;Database=mahavishnu";

    /// <summary>Provisions and starts what is missing, and makes sure the database is there.</summary>
    /// <param name="fresh">Drops what the database holds first.</param>
    /// <returns>Its connection string.</returns>
    public static async Task<string> UpAsync(string database, bool fresh, CancellationToken ct)
    {
        string[] arguments = fresh ? ["up", database, "--fresh"] : ["up", database];
        var (code, output) = await CaptureAsync(arguments, ct);
        return code == ExitCode.Done ? output.Trim() : throw new CliException(null, code);
    }

    /// <summary>Runs one of the script's verbs; what it answers goes to <paramref name="terminal"/>.</summary>
    /// <returns>Its exit code, which has the meaning of ours.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, Terminal terminal, CancellationToken ct)
    {
        var (code, output) = await CaptureAsync(arguments, ct, asks: true);
        await terminal.Out.WriteAsync(output);
        return code;
    }

    /// <summary>As <see cref="RunAsync"/>, with the answer in hand. What the script remarks goes to standard error as it comes.</summary>
    /// <param name="asks">Whether the script may ask the person who sits at standard input.</param>
    public static async Task<(int Code, string Output)> CaptureAsync(IReadOnlyList<string> arguments, CancellationToken ct, bool asks = false)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new CliException(Instruction, ExitCode.DependencyMissing);
        }

        var script = Path.Combine(Checkout.Require("the private PostgreSQL"), "infra", "postgres", "local.sh");
        using var process = Process.Start(new ProcessStartInfo("bash", [script, .. arguments]) { RedirectStandardInput = !asks, RedirectStandardOutput = true, UseShellExecute = false })
            ?? throw new CliException($"{script} could not be started.");
        if (!asks)
        {
            // What comes in there is for somebody else: an agent's messages to `mcp`.
            process.StandardInput.Close();
        }

        try
        {
            var output = await process.StandardOutput.ReadToEndAsync(ct);
            await process.WaitForExitAsync(ct);
            return (process.ExitCode, output);
        }
        catch (OperationCanceledException)
        {
            // SIGTERM would let it tidy up, but .NET has only the hard way; the script is made to be interrupted anywhere.
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
