using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Mahavishnu.TestSupport;

/// <summary>The line to the database server, which a test can pull out: to its users that is a server which stopped.</summary>
public sealed class Cable : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentDictionary<Socket, Socket> _lines = new();
    private readonly (string Host, int Port) _server;
    private readonly Task _accepting;
    private volatile bool _pulled;

    public Cable(string connectionString)
    {
        var server = new NpgsqlConnectionStringBuilder(connectionString);
        _server = (server.Host!, server.Port);
        _listener.Start();
        (server.Host, server.Port) = ("127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port);
        ConnectionString = server.ConnectionString;
        _accepting = AcceptAsync();
    }

    public string ConnectionString { get; }

    /// <summary>Cuts every line and takes no new one.</summary>
    public void Pull()
    {
        _pulled = true;
        foreach (var (near, far) in _lines)
        {
            near.Close(0);
            far.Close(0);
        }
    }

    public void PlugIn() => _pulled = false;

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        Pull();
        _listener.Stop();
        await _accepting;
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                var near = await _listener.AcceptSocketAsync(_end.Token);
                if (_pulled)
                {
                    near.Close(0);
                    continue;
                }

                var far = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                near.NoDelay = true;
                _lines[near] = far;
                await far.ConnectAsync(_server.Host, _server.Port, _end.Token);
                _ = PumpAsync(near, far, near);
                _ = PumpAsync(far, near, near);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // Cut, or over.
            }
        }
    }

    private async Task PumpAsync(Socket from, Socket to, Socket key)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, SocketFlags.None, CancellationToken.None) is > 0 and var read)
            {
                for (var sent = 0; sent < read;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), SocketFlags.None, CancellationToken.None);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut.
        }
        finally
        {
            from.Close(0);
            to.Close(0);
            _lines.TryRemove(key, out _);
        }
    }
}
