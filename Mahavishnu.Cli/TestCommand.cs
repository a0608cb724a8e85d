using System.CommandLine;
using System.Diagnostics;
using Mahavishnu.Storage;
using Npgsql;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu test</c>: every test of the source tree, with the database they need.</summary>
internal static class TestCommand
{
    public const string DatabaseVariable = "MAHAVISHNU_TEST_DB";
    private const string Name = "test";
    private const string Database = "mahavishnu_test";

    public static Command Create(Terminal terminal, IReadOnlyList<string> args)
    {
        var command = new Command(Name, "Run all tests; further arguments go to `dotnet test`, such as --coverage or --filter-class")
        {
            TreatUnmatchedTokensAsErrors = false,
        };
        // As they were written: parsing would take some for ours.
        command.SetAction((_, ct) => RunAsync([.. args.SkipWhile(a => a != Name).Skip(1)], terminal, ct));
        return command;
    }

    private static async Task<int> RunAsync(IReadOnlyList<string> further, Terminal terminal, CancellationToken ct)
    {
        var root = Checkout.Require("test");
        var database = await ChooseDatabaseAsync(ct);
        terminal.Say($"tests make databases of their own beside {DatabaseConnection.Mask(database)}");

        var start = new ProcessStartInfo(
            Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet",
            ["test", "--solution", "Mahavishnu.slnf", "-c", "Release", .. further])
        {
            WorkingDirectory = root,
        };
        foreach (var name in start.Environment.Keys.Where(IsOfARealMemory).ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment[DatabaseVariable] = database;
        using var process = Process.Start(start) ?? throw new CliException("dotnet could not be started.", ExitCode.DependencyMissing);
        try
        {
            await process.WaitForExitAsync(ct);
        }
        catch (OperationCanceledException)
        {
            // Ctrl+C reached it as well; it tells its tests to stop.
            await process.WaitForExitAsync(CancellationToken.None);
            throw;
        }

        return process.ExitCode == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    /// <summary>A server on which the tests may create and drop databases: one that is named, else that of the user's own memories, else the private one.</summary>
    private static async Task<string> ChooseDatabaseAsync(CancellationToken ct)
    {
        if (Environment.GetEnvironmentVariable(DatabaseVariable) is { Length: > 0 } named)
        {
            return named;
        }

        return DatabaseConnection.Find(Settings.Load().Configuration) is { } given
            ? new NpgsqlConnectionStringBuilder(given) { Database = "postgres" }.ConnectionString
            : await PrivateDatabase.UpAsync(Database, fresh: false, ct);
    }

    // A test that reads the settings must not find the way to a user's memories.
    private static bool IsOfARealMemory(string variable) =>
        variable.StartsWith("ConnectionStrings", StringComparison.OrdinalIgnoreCase)
        || variable.StartsWith("Aspire__Npgsql", StringComparison.OrdinalIgnoreCase)
        || variable.StartsWith("MAHAVISHNU_PG_", StringComparison.OrdinalIgnoreCase)
        || string.Equals(variable, GlobalOptions.UrlVariable, StringComparison.OrdinalIgnoreCase)
        || string.Equals(variable, GlobalOptions.ApiKeyVariable, StringComparison.OrdinalIgnoreCase);
}
