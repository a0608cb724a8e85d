using System.Data.Common;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.ServiceDefaults.Tests;

public sealed class DatabaseTroubleTests
{
    private sealed class DriverException(string? sqlState, bool transient = false, Exception? inner = null) : DbException("Password=hunter2", inner)
    {
        public override string? SqlState => sqlState;

        public override bool IsTransient => transient;
    }

    [Theory]
    [InlineData("57P01", true)] // admin shutdown
    [InlineData("57P03", true)] // starting up
    [InlineData("53300", true)] // too many connections
    [InlineData("08006", true)] // connection failure
    [InlineData("3D000", true)] // the database is not there yet
    [InlineData("42P01", false)] // a missing table is a bug
    [InlineData("23505", false)]
    public void A_state_counts_as_trouble_when_asking_again_can_help(string sqlState, bool trouble) =>
        Assert.Equal(trouble, RequestFailures.IsDatabaseTrouble(new InvalidOperationException("wrapped", new DriverException(sqlState))));

    [Fact]
    public void A_refused_connection_counts_as_trouble_without_a_state() =>
        Assert.True(RequestFailures.IsDatabaseTrouble(new DriverException(null, inner: new SocketException((int)SocketError.ConnectionRefused))));

    [Fact]
    public async Task The_caller_is_told_to_come_back_and_not_what_the_driver_said()
    {
        await using var server = await TestServer.StartAsync(app => app.MapGet("/x", () => { throw new DriverException(null, transient: true); }));

        var answer = await server.Http.AskAsync(HttpMethod.Get, "/x");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "database_unavailable"), (answer.Status, answer.Code));
        Assert.Equal("2", answer.Headers.GetValues("Retry-After").Single());
        Assert.DoesNotContain("hunter2", answer.Body!.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_schema_says_what_to_run()
    {
        await using var server = await TestServer.StartAsync(app => app.MapGet("/x", () => { throw new DriverException("42P01"); }));

        var answer = await server.Http.AskAsync(HttpMethod.Get, "/x");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "schema_mismatch"), (answer.Status, answer.Code));
        Assert.Contains("migrate", answer.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_goes_away_is_not_an_error()
    {
        var reached = new TaskCompletionSource();
        var left = new TaskCompletionSource();
        await using var server = await TestServer.StartAsync(app => app.MapGet("/slow", async (HttpContext context) =>
        {
            reached.SetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }
            finally
            {
                left.SetResult();
            }
        }));
        using var impatience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

        var call = server.Http.GetAsync("/slow", impatience.Token);
        await reached.Task;
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await left.Task;
        await server.App.StopAsync(TestContext.Current.CancellationToken);

        Assert.DoesNotContain(server.Logs.All, l => l.Level >= LogLevel.Warning);
    }
}
