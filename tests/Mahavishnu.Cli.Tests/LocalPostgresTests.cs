using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Mahavishnu.Cli.Tests;

/// <summary>The private server survives what happens to machines: kills, reboots, taken ports, impatient users.</summary>
public sealed class LocalPostgresTests(LocalPostgres server) : IClassFixture<LocalPostgres>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Up_prints_a_connection_string_alone_and_the_same_one_again()
    {
        LocalPostgres.Require();
        var first = await server.RunAsync(Ct, "up");
        var second = await server.RunAsync(Ct, "up");

        Assert.Equal(0, first.Code);
        Assert.Single(first.Out.Trim().Split('\n'));
        Assert.Equal(first.Out, second.Out);
        var connection = new NpgsqlConnectionStringBuilder(first.Out.Trim());
        Assert.Equal(("127.0.0.1", "mahavishnu"), (connection.Host, connection.Database));
        Assert.True(connection.Password!.Length >= 24);
        Assert.DoesNotContain(connection.Password, first.Error + second.Error, StringComparison.Ordinal);
        Assert.Equal(true, await LocalPostgres.AskAsync(first.Out, "SELECT current_setting('max_connections')::int >= 100 AND current_setting('jit') = 'off' AND current_setting('listen_addresses') = '127.0.0.1'", Ct));
        Assert.Equal(true, await LocalPostgres.AskAsync(first.Out, "SELECT string_to_array(extversion, '.')::int[] >= '{0,8}' FROM pg_extension WHERE extname = 'vector'", Ct));
    }

    [Fact]
    public async Task A_wrong_password_is_refused()
    {
        LocalPostgres.Require();
        var up = await server.RunAsync(Ct, "up");
        var wrong = new NpgsqlConnectionStringBuilder(up.Out.Trim()) { Password = "guess" };

        var refusal = await Assert.ThrowsAsync<PostgresException>(() => LocalPostgres.AskAsync(wrong.ConnectionString, "SELECT 1", Ct));

        Assert.Equal(PostgresErrorCodes.InvalidPassword, refusal.SqlState);
    }

    [Fact]
    public async Task A_killed_server_starts_again_with_what_was_committed()
    {
        LocalPostgres.Require();
        var up = await server.RunAsync(Ct, "up", "killed");
        await LocalPostgres.AskAsync(up.Out, "CREATE TABLE kept AS SELECT 42 AS answer", Ct);
        // A statement that is still at work when its server is killed outlives it for as long as it likes.
        var busy = LocalPostgres.AskAsync(up.Out, "SELECT pg_sleep(600)", Ct);
        using (var postmaster = Process.GetProcessById(ServerPid()))
        {
            postmaster.Kill();
        }

        var status = await server.RunAsync(Ct, "status");
        var again = await server.RunAsync(Ct, "up", "killed");

        Assert.Equal(1, status.Code);
        Assert.Equal(0, again.Code);
        Assert.Equal(42, await LocalPostgres.AskAsync(again.Out, "SELECT answer FROM kept", Ct));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => busy);
    }

    [Fact]
    public async Task A_pid_file_that_names_somebody_elses_process_is_not_believed()
    {
        LocalPostgres.Require();
        await server.RunAsync(Ct, "up");
        var file = Path.Combine(server.Data, "postmaster.pid");
        var lines = await File.ReadAllLinesAsync(file, Ct);
        await server.RunAsync(Ct, "down");
        // After a reboot the number may be anyone's: here it is ours.
        lines[0] = Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await File.WriteAllLinesAsync(file, lines, Ct);

        var status = await server.RunAsync(Ct, "status");
        var up = await server.RunAsync(Ct, "up");

        Assert.Equal(1, status.Code);
        Assert.Equal(0, up.Code);
        Assert.Equal(1, await LocalPostgres.AskAsync(up.Out, "SELECT 1", Ct));
    }

    [Fact]
    public async Task A_port_that_was_taken_meanwhile_is_given_up_aloud()
    {
        LocalPostgres.Require();
        var before = new NpgsqlConnectionStringBuilder((await server.RunAsync(Ct, "up")).Out.Trim());
        await server.RunAsync(Ct, "down");
        using var somebody = new TcpListener(IPAddress.Loopback, before.Port);
        somebody.Start();

        var up = await server.RunAsync(Ct, "up");

        Assert.Equal(0, up.Code);
        Assert.NotEqual(before.Port, new NpgsqlConnectionStringBuilder(up.Out.Trim()).Port);
        Assert.Contains($"port {before.Port} is taken", up.Error, StringComparison.Ordinal);
        Assert.Equal(1, await LocalPostgres.AskAsync(up.Out, "SELECT 1", Ct));
    }

    [Fact]
    public async Task Calls_at_the_same_time_share_one_server()
    {
        LocalPostgres.Require();
        await server.RunAsync(Ct, "down");

        var runs = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => server.RunAsync(Ct, "up", $"shared_{i}")));

        Assert.All(runs, r => Assert.Equal(0, r.Code));
        Assert.Single(runs.Select(r => new NpgsqlConnectionStringBuilder(r.Out.Trim()).Port).Distinct());
        Assert.Equal(4, runs.Select(r => new NpgsqlConnectionStringBuilder(r.Out.Trim()).Database).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task A_backup_comes_back_and_never_over_memories_by_accident()
    {
        LocalPostgres.Require();
        var up = await server.RunAsync(Ct, "up", "saved");
        await LocalPostgres.AskAsync(up.Out, "CREATE TABLE thing (words text, v vector(2)); INSERT INTO thing VALUES ('ünïcode', '[1,2]')", Ct);
        var file = Path.Combine(server.Home, "saved.dump");

        Assert.Equal(0, (await server.RunAsync(Ct, "backup", file, "saved")).Code);
        Assert.Equal(1, (await server.RunAsync(Ct, "backup", file, "saved")).Code);
        await LocalPostgres.AskAsync(up.Out, "INSERT INTO thing VALUES ('later', '[3,4]')", Ct);
        var refused = await server.RunAsync(Ct, "restore", file, "saved");
        Assert.Equal(2L, await LocalPostgres.AskAsync(up.Out, "SELECT count(*) FROM thing", Ct));
        var forced = await server.RunAsync(Ct, "restore", file, "saved", "--force");
        var elsewhere = await server.RunAsync(Ct, "restore", file, "saved_elsewhere");

        Assert.Equal(1, refused.Code);
        Assert.Contains("not empty", refused.Error, StringComparison.Ordinal);
        Assert.Equal((0, 0), (forced.Code, elsewhere.Code));
        Assert.Equal("ünïcode[1,2]", await LocalPostgres.AskAsync(up.Out, "SELECT string_agg(words || v::text, ' ') FROM thing", Ct));
        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(file) == (UnixFileMode.UserRead | UnixFileMode.UserWrite), "A backup is for its owner's eyes.");
    }

    [Fact]
    public async Task A_broken_backup_leaves_the_database_as_it_was()
    {
        LocalPostgres.Require();
        var up = await server.RunAsync(Ct, "up", "whole");
        await LocalPostgres.AskAsync(up.Out, "CREATE TABLE thing AS SELECT n, md5(n::text) FROM generate_series(1, 20000) n", Ct);
        var file = Path.Combine(server.Home, "whole.dump");
        await server.RunAsync(Ct, "backup", file, "whole");
        await using (var stream = File.OpenWrite(file))
        {
            stream.SetLength(stream.Length / 2);
        }

        var broken = await server.RunAsync(Ct, "restore", file, "whole", "--force");
        await File.WriteAllTextAsync(file, "no backup at all", Ct);
        var nonsense = await server.RunAsync(Ct, "restore", file, "whole", "--force");

        Assert.Equal((1, 1), (broken.Code, nonsense.Code));
        Assert.Equal(20000L, await LocalPostgres.AskAsync(up.Out, "SELECT count(*) FROM thing", Ct));
        Assert.Equal(0L, await LocalPostgres.AskAsync(up.Out, "SELECT count(*) FROM pg_database WHERE datname LIKE '%incoming'", Ct));
    }

    [Fact]
    public async Task Fresh_empties_the_named_database_only()
    {
        LocalPostgres.Require();
        var other = await server.RunAsync(Ct, "up", "other");
        var one = await server.RunAsync(Ct, "up", "emptied");
        await LocalPostgres.AskAsync(other.Out, "CREATE TABLE thing ()", Ct);
        await LocalPostgres.AskAsync(one.Out, "CREATE TABLE thing ()", Ct);

        await server.RunAsync(Ct, "up", "emptied", "--fresh");

        Assert.Equal(DBNull.Value, await LocalPostgres.AskAsync(one.Out, "SELECT to_regclass('thing')::text", Ct));
        Assert.Equal("thing", await LocalPostgres.AskAsync(other.Out, "SELECT to_regclass('thing')::text", Ct));
    }

    [Theory]
    [InlineData("'sideways' is no verb", "sideways")]
    [InlineData("up does not know '--nonsense'", "up --nonsense")]
    [InlineData("no name for a database", "up Robert'); DROP")]
    [InlineData("belongs to the server", "up postgres --fresh")]
    [InlineData("backup needs a FILE", "backup")]
    [InlineData("--port needs a number", "up --port 99999")]
    public async Task Wrong_usage_exits_with_2(string said, string line)
    {
        var run = await server.RunAsync(Ct, line.Split(' '));

        Assert.Equal(ExitCode.WrongUsage, run.Code);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deleting_needs_a_yes()
    {
        LocalPostgres.Require();
        await server.RunAsync(Ct, "up");

        var run = await server.RunAsync(Ct, "rm");

        Assert.Equal(1, run.Code);
        Assert.True(Directory.Exists(server.Data));
    }

    [Fact]
    public async Task A_home_that_the_servers_account_cannot_enter_is_refused_before_anything_is_made()
    {
        LocalPostgres.Require();
        Assert.SkipUnless(Environment.UserName == "root", "Only root's server runs under another account.");
        var closed = Directory.CreateTempSubdirectory("mahavishnu-closed-").FullName;

        var run = await LocalPostgres.RunAsync(Path.Combine(closed, "deep", "home"), Ct, "up");

        Assert.Equal(1, run.Code);
        Assert.Contains($"cannot enter {closed}", run.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(closed));
        Directory.Delete(closed);
    }

    private int ServerPid() =>
        int.Parse(File.ReadLines(Path.Combine(server.Data, "postmaster.pid")).First(), System.Globalization.CultureInfo.InvariantCulture);
}
