using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Npgsql;

namespace Mahavishnu.Migration.Tests;

public sealed class DatabaseAwayTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_fail_with_503_while_the_database_is_away_and_work_again_without_a_restart()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        var server = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        await using var line = new Line(server.Host!, server.Port);
        line.Connect();
        server.Host = "127.0.0.1";
        server.Port = line.Port;
        await using var host = await TestHost.StartAsync(server.ConnectionString, builder => builder.AddMigration(), app => app.MapMigration());
        using var before = await host.Http.GetAsync("/api/v1/schema", Ct);

        line.Cut();
        for (var i = 0; i < 3; i++)
        {
            // The first meets a connection that broke, the others find nobody to connect to.
            using var away = await host.Http.GetAsync("/api/v1/schema", Ct);
            var problem = JsonNode.Parse(await away.Content.ReadAsStringAsync(Ct))!;
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "database_unavailable"), (away.StatusCode, (string?)problem["code"]));
            Assert.Equal(TimeSpan.FromSeconds(2), away.Headers.RetryAfter!.Delta);
        }

        using var unready = await host.Http.GetAsync("/health/ready", Ct);
        using var unhealthy = await host.Http.GetAsync("/api/v1/health", Ct);
        using var live = await host.Http.GetAsync("/health/live", Ct);
        line.Connect();
        using var after = await host.Http.GetAsync("/api/v1/schema", Ct);

        Assert.Equal(HttpStatusCode.OK, before.StatusCode);
        Assert.Equal(
            [HttpStatusCode.ServiceUnavailable, HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK],
            [unready.StatusCode, unhealthy.StatusCode, live.StatusCode]);
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
        await host.WaitUntilReadyAsync();
        Assert.DoesNotContain(host.Log.Lines, l => l.Level >= Microsoft.Extensions.Logging.LogLevel.Error && l.Category.StartsWith("Mahavishnu.ServiceDefaults", StringComparison.Ordinal));
    }

    /// <summary>The wire to the database, with a pair of scissors.</summary>
    private sealed class Line(string host, int port) : IAsyncDisposable
    {
        private readonly List<Socket> _ends = [];
        private TcpListener? _listener;

        public int Port { get; private set; }

        public void Connect()
        {
            _listener = new TcpListener(IPAddress.Loopback, Port);
            _listener.Server.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            _listener.Start();
            Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
            _ = AcceptAsync(_listener);
        }

        public void Cut()
        {
            _listener!.Stop();
            lock (_ends)
            {
                _ends.ForEach(e => e.Close(0));
                _ends.Clear();
            }
        }

        public ValueTask DisposeAsync()
        {
            Cut();
            return ValueTask.CompletedTask;
        }

        private async Task AcceptAsync(TcpListener listener)
        {
            try
            {
                while (true)
                {
                    var near = await listener.AcceptSocketAsync(Ct);
                    var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
                    await far.ConnectAsync(host, port, Ct);
                    lock (_ends)
                    {
                        _ends.AddRange([near, far]);
                    }

                    _ = PumpAsync(near, far);
                    _ = PumpAsync(far, near);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException or InvalidOperationException)
            {
                // Cut.
            }
        }

        private static async Task PumpAsync(Socket from, Socket to)
        {
            try
            {
                await using var source = new NetworkStream(from);
                await using var target = new NetworkStream(to);
                await source.CopyToAsync(target, Ct);
                to.Shutdown(SocketShutdown.Send);
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // Cut.
            }
        }
    }
}
