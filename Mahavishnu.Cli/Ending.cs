using System.Runtime.InteropServices;

namespace Mahavishnu.Cli;

/// <summary>Ctrl+C and SIGTERM as a token: the verb that runs stops what it started, and the exit code is its own.</summary>
internal sealed class Ending : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _signals;

    public Ending()
    {
        _signals = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM }.Select(s => PosixSignalRegistration.Create(s, OnSignal))];
    }

    public CancellationToken Token => _source.Token;

    private void OnSignal(PosixSignalContext context)
    {
        // The first one is handled in order; whoever asks a second time does not want to wait for that.
        context.Cancel = !_source.IsCancellationRequested;
        _source.Cancel();
    }

    public void Dispose()
    {
        foreach (var signal in _signals)
        {
            signal.Dispose();
        }

        _source.Dispose();
    }
}
