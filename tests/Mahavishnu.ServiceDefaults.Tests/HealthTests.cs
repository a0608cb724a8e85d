using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Mahavishnu.ServiceDefaults.Tests;

public sealed class HealthTests
{
    private static Task<TestServer> StartAsync(Action<IHealthChecksBuilder> checks) =>
        TestServer.StartAsync(_ => { }, builder => checks(builder.Services.AddHealthChecks()));

    [Fact]
    public async Task The_document_has_the_keys_of_mcp_common_in_their_order()
    {
        await using var server = await StartAsync(checks => checks
            .AddCheck("PostgreSql", () => HealthCheckResult.Healthy("PostgreSQL connection OK", new Dictionary<string, object> { ["schemaVersion"] = 3 }))
            .AddCheck("session_buddy", () => HealthCheckResult.Degraded("file locked")));

        var answer = await server.Http.AskAsync(HttpMethod.Get, "/api/v1/health");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(["status", "timestamp", "version", "uptime_seconds", "components"], answer.Body!.AsObject().Select(p => p.Key));
        Assert.Equal("degraded", (string?)answer.Body["status"]);
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$", (string)answer.Body["timestamp"]!);
        Assert.Equal(ProgramVersion.Current, (string?)answer.Body["version"]);
        var postgres = answer.Body["components"]![0]!.AsObject();
        Assert.Equal(["name", "status", "message", "latency_ms", "metadata"], postgres.Select(p => p.Key));
        Assert.Equal(("postgresql", "healthy", "PostgreSQL connection OK"), ((string?)postgres["name"], (string?)postgres["status"], (string?)postgres["message"]));
        Assert.Equal(3, (int)postgres["metadata"]!["schemaVersion"]!);
        Assert.Equal(["name", "status", "message", "latency_ms"], answer.Body["components"]![1]!.AsObject().Select(p => p.Key));
        foreach (var number in new[] { answer.Body["uptime_seconds"], postgres["latency_ms"] })
        {
            Assert.Matches(new Regex(@"^\d+\.\d{1,2}$", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)), number!.ToJsonString());
        }
    }

    [Fact]
    public async Task Nothing_to_check_is_healthy()
    {
        await using var server = await StartAsync(_ => { });

        var answer = await server.Http.AskAsync(HttpMethod.Get, "/api/v1/health");

        Assert.Equal("healthy", (string?)answer.Body!["status"]);
        Assert.Empty(answer.Body["components"]!.AsArray());
    }

    [Fact]
    public async Task One_unhealthy_component_makes_the_whole_503_without_its_secrets()
    {
        await using var server = await StartAsync(checks => checks
            .AddCheck("fine", () => HealthCheckResult.Healthy())
            .AddCheck("PostgreSql", () => throw new InvalidOperationException("Password=hunter2")));

        var answer = await server.Http.AskAsync(HttpMethod.Get, "/api/v1/health");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "unhealthy"), (answer.Status, (string?)answer.Body!["status"]));
        Assert.DoesNotContain("hunter2", answer.Body.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(["name", "status", "latency_ms"], answer.Body["components"]![0]!.AsObject().Select(p => p.Key));
        Assert.Equal("InvalidOperationException", (string?)answer.Body["components"]![1]!["message"]);
    }

    [Fact]
    public async Task Ready_says_what_the_checks_know_and_ignores_those_that_are_not_about_readiness()
    {
        await using var server = await StartAsync(checks => checks
            .AddCheck("PostgreSql", () => HealthCheckResult.Healthy("OK", new Dictionary<string, object> { ["database"] = "Host=x;Password=***", ["schemaVersion"] = 3 }), ["ready"])
            .AddCheck("embedding", () => HealthCheckResult.Degraded("words only", data: new Dictionary<string, object> { ["model"] = "builtin", ["pending"] = 2 }), ["ready"])
            .AddCheck("disk", () => HealthCheckResult.Unhealthy("full")));

        var answer = await server.Http.AskAsync(HttpMethod.Get, "/health/ready");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.True((bool)answer.Body!["ready"]!);
        var checks = answer.Body["checks"]!.AsObject();
        Assert.Equal(["startup", "postgresql", "embedding"], checks.Select(c => c.Key));
        Assert.Equal("Host=x;Password=***", (string?)checks["postgresql"]!["database"]);
        Assert.Equal(3, (int)checks["postgresql"]!["schemaVersion"]!);
        Assert.Equal(("degraded", "words only", 2), ((string?)checks["embedding"]!["status"], (string?)checks["embedding"]!["message"], (int)checks["embedding"]!["pending"]!));
    }

    [Fact]
    public async Task Live_answers_while_everything_else_is_down()
    {
        await using var server = await StartAsync(checks => checks.AddCheck("PostgreSql", () => HealthCheckResult.Unhealthy("down"), ["ready"]));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await server.Http.AskAsync(HttpMethod.Get, "/health/ready")).Status);
        Assert.Equal(HttpStatusCode.OK, (await server.Http.AskAsync(HttpMethod.Get, "/health/live")).Status);
    }

    [Fact]
    public async Task Ready_waits_for_the_warm_up_and_a_failed_one_is_tried_again()
    {
        var attempts = 0;
        var first = new TaskCompletionSource();
        var second = new TaskCompletionSource();
        await using var server = await TestServer.StartAsync(_ => { }, builder => builder.Services.AddWarmUp("first search", async (_, ct) =>
        {
            if (Interlocked.Increment(ref attempts) == 1)
            {
                first.SetResult();
                throw new IOException("not yet");
            }

            await second.Task.WaitAsync(ct);
        }));

        await first.Task;
        var cold = await server.Http.AskAsync(HttpMethod.Get, "/health/ready");
        second.SetResult();
        var state = server.App.Services.GetRequiredService<WarmUpState>();
        while (state.Pending.Count > 0)
        {
            await Task.Yield();
        }

        var warm = await server.Http.AskAsync(HttpMethod.Get, "/health/ready");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, false), (cold.Status, (bool)cold.Body!["ready"]!));
        Assert.Contains("first search", (string?)cold.Body["checks"]!["startup"]!["message"], StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.OK, true), (warm.Status, (bool)warm.Body!["ready"]!));
    }

    [Fact]
    public async Task A_stopping_server_is_not_ready()
    {
        var app = TestServer.Build(_ => { });
        await using var server = app;
        await app.StartServiceAsync(TestContext.Current.CancellationToken);
        var checks = app.Services.GetRequiredService<HealthCheckService>();
        var before = await checks.CheckHealthAsync(TestContext.Current.CancellationToken);

        app.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();

        Assert.Equal(HealthStatus.Healthy, before.Status);
        Assert.Equal(HealthStatus.Unhealthy, (await checks.CheckHealthAsync(TestContext.Current.CancellationToken)).Status);
    }
}
