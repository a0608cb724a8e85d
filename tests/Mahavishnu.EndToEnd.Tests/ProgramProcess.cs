using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>A program of this house in a process of its own, as a user or an orchestrator starts it. Nothing of the developer's own settings reaches it.</summary>
internal sealed class ProgramProcess : IAsyncDisposable
{
    private static readonly string Configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    private readonly Process _process;
    private readonly Process? _guard;
    private readonly ConcurrentQueue<string> _lines = new();

    private ProgramProcess(Process process)
    {
        _process = process;
        _guard = Guard(process.Id);
        process.OutputDataReceived += (_, e) => Take(e.Data);
        process.ErrorDataReceived += (_, e) => Take(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>The checkout that the tests were built from.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>What the program wrote to either stream, so far.</summary>
    public string Output => string.Join('\n', _lines);

    public int Id => _process.Id;

    /// <param name="project">Folder of the project, relative to the checkout.</param>
    /// <param name="assembly">File name without extension.</param>
    public static ProgramProcess Start(string project, string assembly, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment)
    {
        var start = new ProcessStartInfo("dotnet", [ProgramFile(project, assembly), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        Isolate(start);
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var process = new ProgramProcess(Process.Start(start)!);
        process._process.StandardInput.Close();
        return process;
    }

    /// <summary>The program's file, as it was built with these tests.</summary>
    public static string ProgramFile(string project, string assembly) => Path.Combine(Root, project, "bin", Configuration, "net10.0", assembly + ".dll");

    /// <summary>Takes the developer's own settings away from what is about to start.</summary>
    public static void Isolate(ProcessStartInfo start)
    {
        foreach (var name in start.Environment.Keys.Where(IsSetting).ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment["MAHAVISHNU_SETTINGS"] = "";
        start.Environment["MAHAVISHNU_ROOT"] = Root;
    }

    /// <summary>The first line of the output, now or later, of which <paramref name="pick"/> makes something.</summary>
    public async Task<string> LineAsync(Func<string, string?> pick, string what)
    {
        var line = await Eventually.Async(
            () => Task.FromResult(_lines.ToArray().Select(pick).FirstOrDefault(l => l is not null) ?? (_process.HasExited ? "" : null)), l => l is not null, what, TimeSpan.FromSeconds(60));
        return line is { Length: > 0 } found ? found : throw new InvalidOperationException($"{what}: the program ended with {_process.ExitCode}:\n{Output}");
    }

    public async Task<int> ExitCodeAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return _process.ExitCode;
    }

    /// <summary>kill -9: no word of goodbye.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(CancellationToken.None);
    }

    /// <summary>SIGTERM, as an orchestrator stops a service.</summary>
    public async Task<int> StopAsync()
    {
        // The shell's own: a bare machine has no program of this name.
        using var kill = Process.Start("sh", ["-c", "kill -TERM \"$1\"", "sh", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(CancellationToken.None);
        await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(40), CancellationToken.None);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        // The guard goes first: once the program has ended its number may be somebody else's.
        _guard?.Kill(entireProcessTree: true);
        _guard?.Dispose();
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }

    /// <summary>Waits on a pipe from this process and kills the program once it closes: a test run that is itself killed disposes of nothing.</summary>
    private static Process? Guard(int id) => OperatingSystem.IsWindows()
        ? null
        : Process.Start(new ProcessStartInfo("sh", ["-c", "cat >/dev/null; kill -9 \"$1\" 2>/dev/null", "sh", id.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardInput = true,
            UseShellExecute = false,
        });

    private void Take(string? line)
    {
        if (line is not null)
        {
            _lines.Enqueue(line);
        }
    }

    private static bool IsSetting(string name) =>
        name.StartsWith("MAHAVISHNU_", StringComparison.Ordinal) || name.Contains("__", StringComparison.Ordinal)
        || name.StartsWith("ASPNETCORE_", StringComparison.Ordinal) || name.StartsWith("OTEL_", StringComparison.Ordinal) || name.StartsWith("OLLAMA_", StringComparison.Ordinal)
        || string.Equals(name, "urls", StringComparison.OrdinalIgnoreCase);

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Mahavishnu.slnf")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The tests do not stand in a checkout.");
        }

        return folder.FullName;
    }
}
