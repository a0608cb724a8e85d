using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Mahavishnu.Benchmarks;

/// <summary>A service in a process of its own, as it is deployed: its memory is its own, and so is its start.</summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    private static readonly string Configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly TaskCompletionSource<string> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServiceProcess(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, e) => Take(e.Data);
        _process.ErrorDataReceived += (_, e) => Take(e.Data);
        _process.Exited += (_, _) => _listening.TrySetException(new InvalidOperationException($"A service ended before it listened:\n{string.Join('\n', _lines)}"));
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Where it listens.</summary>
    public Task<string> Url => _listening.Task;

    /// <summary>Its resident size now, in MB.</summary>
    public double Memory()
    {
        // VmRSS:	  123456 kB
        var line = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{_process.Id}/status")).First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(new string([.. line.Where(char.IsAsciiDigit)]), CultureInfo.InvariantCulture) * 1024 / 1e6;
    }

    /// <param name="project">Folder of the project, relative to the checkout.</param>
    /// <param name="environment">Its settings; nothing of the caller's own reaches it.</param>
    public static ServiceProcess Start(string project, string assembly, IReadOnlyDictionary<string, string?> environment)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(Machine.Root(), project, "bin", Configuration, "net10.0", assembly + ".dll")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var name in start.Environment.Keys.Where(IsSetting).ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        return new ServiceProcess(start);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    private void Take(string? line)
    {
        const string Listening = "Now listening on: ";
        _lines.Enqueue(line ?? "");
        if (line?.IndexOf(Listening, StringComparison.Ordinal) is { } at and >= 0)
        {
            _listening.TrySetResult(line[(at + Listening.Length)..].Split('"')[0].Trim());
        }
    }

    private static bool IsSetting(string name) =>
        name.Contains("__", StringComparison.Ordinal) || string.Equals(name, "urls", StringComparison.OrdinalIgnoreCase)
        || Array.Exists(["MAHAVISHNU_", "ASPNETCORE_", "OTEL_", "OLLAMA_"], p => name.StartsWith(p, StringComparison.Ordinal));
}
