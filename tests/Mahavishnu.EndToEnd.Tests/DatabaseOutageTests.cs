using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>The database goes and comes back under load, on a server of the test's own.</summary>
public sealed class DatabaseOutageTests
{
    private const int NothingForThisMachine = 3;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Deployments.Both), MemberType = typeof(Deployments))]
    public async Task While_the_database_is_away_requests_are_told_to_come_back_and_nothing_accepted_is_lost(string deployment)
    {
        using var roots = new Folder();
        await using var server = await PrivateServer.StartAsync();
        await using var system = Deployments.Make(deployment, server.ConnectionString, roots);
        await system.StartAsync();
        var load = new Load(system.Http);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var clients = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => load.WriteAsync(end.Token)).Append(load.SearchAsync(end.Token)));

        await Eventually.Async(() => Task.FromResult(load.Accepted.Count > 50), "Fifty accepted writes");
        await server.StopAsync();
        await Eventually.Async(() => Task.FromResult(load.Refused.Count > 50), "Fifty refusals", TimeSpan.FromMinutes(1));
        await server.StartAgainAsync();
        var before = load.Accepted.Count;
        var found = load.Found;
        await Eventually.Async(() => Task.FromResult(load.Accepted.Count > before + 50 && load.Found > found), "Writes and searches that work again", TimeSpan.FromMinutes(1));
        await end.CancelAsync();
        await clients;

        Assert.All(load.Refused, answer => Assert.Equal((503, true), (answer.Status, answer.RetryAfter)));
        Assert.All(load.Refused, answer => Assert.Contains(answer.Code, new[] { ErrorCodes.DatabaseUnavailable, ErrorCodes.UpstreamUnavailable }));
        await using var db = StorageModule.OpenDataSource(server.ConnectionString);
        await using var missing = db.CreateCommand("SELECT count(*) FROM unnest($1) AS id WHERE NOT EXISTS (SELECT FROM memories m WHERE m.id = id.id)");
        missing.Parameters.AddWithValue(load.Accepted.ToArray());
        Assert.Equal(0L, await missing.ExecuteScalarAsync(Ct));
    }

    private sealed record Refusal(int Status, bool RetryAfter, string? Code);

    /// <summary>Clients that go on whatever they are told.</summary>
    private sealed class Load(HttpClient http)
    {
        private int _found;

        public ConcurrentQueue<Guid> Accepted { get; } = new();

        public ConcurrentQueue<Refusal> Refused { get; } = new();

        public int Found => Volatile.Read(ref _found);

        public Task WriteAsync(CancellationToken ct) => RepeatAsync(
            async () =>
            {
                var id = Guid.CreateVersion7();
                using var answer = await http.PostAsJsonAsync("/api/v1/memories", new { id, content = $"written under load {id}" }, ct);
                if (await IsGoodAsync(answer, ct))
                {
                    Accepted.Enqueue(id);
                }
            },
            ct);

        public Task SearchAsync(CancellationToken ct) => RepeatAsync(
            async () =>
            {
                using var answer = await http.PostAsJsonAsync("/api/v1/search", new { query = "written under load" }, ct);
                if (await IsGoodAsync(answer, ct))
                {
                    Interlocked.Increment(ref _found);
                }
            },
            ct);

        private static async Task RepeatAsync(Func<Task> request, CancellationToken ct)
        {
            try
            {
                while (!ct.IsCancellationRequested)
                {
                    await request();
                }
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                // The end of the load; the last request does not count.
            }
        }

        private async Task<bool> IsGoodAsync(HttpResponseMessage answer, CancellationToken ct)
        {
            if (answer.IsSuccessStatusCode)
            {
                return true;
            }

            var problem = await answer.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>(ct);
            Refused.Enqueue(new Refusal((int)answer.StatusCode, answer.Headers.RetryAfter is not null, problem.GetProperty("code").GetString()));
            return false;
        }
    }

    /// <summary>The product's own private server, with a home of its own.</summary>
    private sealed class PrivateServer : IAsyncDisposable
    {
        private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("mahavishnu-outage-");

        public string ConnectionString { get; private set; } = "";

        public static async Task<PrivateServer> StartAsync()
        {
            Assert.SkipUnless(OperatingSystem.IsLinux(), "The private server is for Linux.");
            var server = new PrivateServer();
            // The server's account must be able to enter it.
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(server._home.FullName, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
            }

            var (code, output, errors) = await server.RunAsync("up");
            if (code != 0)
            {
                await server.DisposeAsync();
                Assert.SkipWhen(code == NothingForThisMachine, errors);
                Assert.Fail(errors);
            }

            server.ConnectionString = output.Trim();
            return server;
        }

        public async Task StopAsync() => Assert.Equal(0, (await RunAsync("down")).Code);

        public async Task StartAgainAsync()
        {
            var (code, output, errors) = await RunAsync("up");
            Assert.True(code == 0, errors);
            Assert.Equal(ConnectionString, output.Trim());
        }

        public async ValueTask DisposeAsync()
        {
            await RunAsync("rm", "--yes");
            _home.Delete(recursive: true);
        }

        private async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
        {
            var start = new ProcessStartInfo("bash", [Path.Combine(ProgramProcess.Root, "infra", "postgres", "local.sh"), .. arguments])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                UseShellExecute = false,
            };
            start.Environment["MAHAVISHNU_HOME"] = _home.FullName;
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
            var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
            await process.WaitForExitAsync(CancellationToken.None);
            return (process.ExitCode, await output, await errors);
        }
    }
}
