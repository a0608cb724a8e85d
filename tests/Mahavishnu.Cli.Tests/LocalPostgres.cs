using System.Diagnostics;
using Npgsql;

namespace Mahavishnu.Cli.Tests;

/// <summary><c>infra/postgres/local.sh</c> with a home of its own, which is deleted at the end.</summary>
public sealed class LocalPostgres : IAsyncLifetime
{
    private static readonly string Script = Path.Combine(Checkout.Root!, "infra", "postgres", "local.sh");
    private readonly string _base = Directory.CreateTempSubdirectory("mahavishnu-test-").FullName;

    public string Home => Path.Combine(_base, "home");

    public string Data => Path.Combine(Home, "postgres", "data-17");

    public async ValueTask InitializeAsync()
    {
        if (!OperatingSystem.IsLinux() || !File.Exists("/usr/bin/apt-get"))
        {
            return;
        }

        // The server's account must be able to enter.
        File.SetUnixFileMode(_base, (UnixFileMode)0b111_101_101);
        // What the machine's own private server was unpacked from serves here too; without one it is fetched as on a new machine.
        var unpacked = Path.Combine(UserHome(), "postgres", "server-17");
        if (File.Exists(Path.Combine(unpacked, "versions")))
        {
            Directory.CreateDirectory(Path.Combine(Home, "postgres"));
            using var copy = Process.Start("cp", ["-a", unpacked, Path.Combine(Home, "postgres")]);
            await copy.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Directory.Exists(Home))
        {
            await RunAsync(CancellationToken.None, "rm", "--yes");
        }

        Directory.Delete(_base, recursive: true);
    }

    /// <summary>Skips where no private server is to be had.</summary>
    public static void Require() =>
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/apt-get"), "The private server needs Linux with apt.");

    internal Task<CliRun> RunAsync(CancellationToken ct, params string[] args) => RunAsync(Home, ct, args);

    internal static async Task<CliRun> RunAsync(string home, CancellationToken ct, params string[] args)
    {
        var start = new ProcessStartInfo("bash", [Script, .. args]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.Environment["MAHAVISHNU_HOME"] = home;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(ct);
        var error = process.StandardError.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        return new CliRun(process.ExitCode, await output, await error);
    }

    internal static async Task<object?> AskAsync(string connectionString, string sql, CancellationToken ct)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(ct);
        await using var command = Storage.SqlText.Command(sql, connection);
        return await command.ExecuteScalarAsync(ct);
    }

    private static string UserHome() =>
        Environment.GetEnvironmentVariable("MAHAVISHNU_HOME") is { Length: > 0 } given ? given
        : Environment.UserName == "root" ? "/var/lib/mahavishnu"
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "mahavishnu");
}
