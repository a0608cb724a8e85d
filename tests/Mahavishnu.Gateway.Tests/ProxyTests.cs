using System.Net;
using System.Text;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Mahavishnu.Gateway.Tests;

public sealed class ProxyTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Routes()
    {
        var data = new TheoryData<string, string>();
        foreach (var (resource, service) in Resources.Routes)
        {
            data.Add(resource, service);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Every_route_of_the_table_reaches_its_service_in_all_its_forms(string resource, string service)
    {
        await using var house = await House.StartAsync();

        foreach (var form in new[] { "", "/", "?limit=5", "/0198c0de-0000-7000-8000-000000000000", "/x/history?a=1", "/x:restore", ":batch", ":batch?a=b" })
        {
            var path = $"{Resources.Api}/{resource}{form}";
            var answer = await house.AskAsync(HttpMethod.Post, path, new StringContent("body", Encoding.UTF8, "text/plain"));

            Assert.Equal((HttpStatusCode.OK, service), (answer.Status, (string?)answer.Body!["service"]));
            Assert.True(house.Services[service].Calls.TryDequeue(out var call));
            Assert.Equal(("POST", path, "body"), (call.Method, call.Path, call.Body));
        }
    }

    [Theory]
    [InlineData("/api/v1/nothing")]
    [InlineData("/api/v1/memoriesx")]
    [InlineData("/api/v2/memories")]
    [InlineData("/memories")]
    public async Task What_nobody_serves_is_a_404_of_the_gateway(string path)
    {
        await using var house = await House.StartAsync();

        var answer = await house.AskAsync(HttpMethod.Get, path);

        Assert.Equal((HttpStatusCode.NotFound, "not_found"), (answer.Status, (string?)answer.Body!["code"]));
        Assert.All(house.Services.Values, s => Assert.Empty(s.Calls));
    }

    [Fact]
    public async Task A_services_own_problem_arrives_as_it_is()
    {
        await using var house = await House.StartAsync(app => app.MapGet("/api/v1/memories/{id}", (Guid id) => Problems.Unavailable(TimeSpan.FromSeconds(7))));

        var bad = await house.AskAsync(HttpMethod.Get, "/api/v1/memories/5");
        var busy = await house.AskAsync(HttpMethod.Get, "/api/v1/memories/0198c0de-0000-7000-8000-000000000000");

        Assert.Equal((HttpStatusCode.BadRequest, "invalid_request"), (bad.Status, (string?)bad.Body!["code"]));
        Assert.NotNull(bad.Body["errors"]!["id"]);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "database_unavailable"), (busy.Status, (string?)busy.Body!["code"]));
        Assert.Equal(TimeSpan.FromSeconds(7), busy.Response.Headers.RetryAfter!.Delta);
    }

    [Fact]
    public async Task A_service_that_is_down_is_named_and_the_others_go_on()
    {
        await using var house = await House.StartAsync();
        await house.Search.DisposeAsync();

        var down = await house.AskAsync(HttpMethod.Post, "/api/v1/search", new StringContent("{}", Encoding.UTF8, "application/json"));
        var up = await house.AskAsync(HttpMethod.Get, "/api/v1/memories");

        Assert.Equal((HttpStatusCode.BadGateway, "upstream_unavailable"), (down.Status, (string?)down.Body!["code"]));
        Assert.Equal("application/problem+json", down.Response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("search", (string?)down.Body["service"]);
        Assert.Contains("search", (string?)down.Body["detail"], StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromSeconds(2), down.Response.Headers.RetryAfter!.Delta);
        Assert.Equal(HttpStatusCode.OK, up.Status);
    }

    [Fact]
    public async Task A_read_that_was_cut_off_before_its_answer_is_sent_again_and_a_write_is_not()
    {
        var (reads, writes) = (0, 0);
        await using var house = await House.StartAsync(app =>
        {
            // The service is killed while it has the request, twice.
            app.MapGet("/api/v1/memories/read", (HttpContext context) => Interlocked.Increment(ref reads) < 3 ? Cut(context) : Results.Ok(new { reads }));
            app.MapPost("/api/v1/memories", (HttpContext context) => Interlocked.Increment(ref writes) > 0 ? Cut(context) : Results.Ok());
        });

        var read = await house.AskAsync(HttpMethod.Get, "/api/v1/memories/read");
        var write = await house.AskAsync(HttpMethod.Post, "/api/v1/memories", new StringContent("{}", Encoding.UTF8, "application/json"));

        Assert.Equal((HttpStatusCode.OK, 3), (read.Status, (int)read.Body!["reads"]!));
        Assert.Equal((HttpStatusCode.BadGateway, 1), (write.Status, writes));

        static IResult Cut(HttpContext context)
        {
            context.Abort();
            return Results.Empty;
        }
    }

    [Fact]
    public async Task A_service_that_says_nothing_in_time_is_a_504()
    {
        await using var house = await House.StartAsync(
            app => app.MapGet("/api/v1/memories/slow", async (HttpContext context) => await Task.Delay(Timeout.Infinite, context.RequestAborted)),
            gateway: [("Gateway:ActivityTimeoutSeconds", "1")]);

        var answer = await house.AskAsync(HttpMethod.Get, "/api/v1/memories/slow");

        Assert.Equal((HttpStatusCode.GatewayTimeout, "upstream_unavailable"), (answer.Status, (string?)answer.Body!["code"]));
        Assert.Equal("ingest", (string?)answer.Body["service"]);
    }

    [Fact]
    public async Task Bodies_have_a_limit_and_batches_a_higher_one()
    {
        await using var house = await House.StartAsync(gateway: [("Edge:MaxBodyBytes", "2048")]);

        var one = await house.AskAsync(HttpMethod.Post, "/api/v1/memories", new ByteArrayContent(new byte[4_000]));
        var batch = await house.AskAsync(HttpMethod.Post, "/api/v1/memories:batch", new ByteArrayContent(new byte[4_000]));

        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "too_large"), (one.Status, (string?)one.Body!["code"]));
        Assert.Contains("2,048 bytes", (string?)one.Body["errors"]!["body"]![0], StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, batch.Status);
        Assert.Equal(4_000, Assert.Single(house.Ingest.Calls).Body.Length);
    }

    [Fact]
    public async Task A_batch_over_64_MiB_is_refused_before_it_is_sent()
    {
        await using var house = await House.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/memories:batch") { Content = new ByteArrayContent(new byte[RequestLimits.Batch + 1]) };
        request.Headers.ExpectContinue = true;

        using var response = await house.Http.SendAsync(request, Ct);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Contains("too_large", await response.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_arrive_one_by_one_as_they_happen()
    {
        var second = new TaskCompletionSource();
        await using var house = await House.StartAsync(app => app.MapGet("/api/v1/operations/{id}/events", async (HttpContext context) =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("event: progress\ndata: 1\n\n", context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await second.Task.WaitAsync(context.RequestAborted);
            await context.Response.WriteAsync("event: completed\ndata: 2\n\n", context.RequestAborted);
        }));

        using var response = await house.Http.GetAsync("/api/v1/operations/x/events", HttpCompletionOption.ResponseHeadersRead, Ct);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(Ct));

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("event: progress", await lines.ReadLineAsync(Ct));
        second.SetResult();
        Assert.Equal("data: 1\n\nevent: completed\ndata: 2\n\n", await lines.ReadToEndAsync(Ct));
    }

    [Fact]
    public void Streams_of_events_have_no_time_limit_and_calls_have_one()
    {
        var clusters = ProxyMap.Clusters(new GatewayOptions()).ToDictionary(c => c.ClusterId);
        var routes = ProxyMap.Routes(new EdgeOptions());

        var events = Assert.Single(routes, r => r.Match.Path == "/api/v1/operations/{id}/events");
        Assert.Equal(Timeout.InfiniteTimeSpan, clusters[events.ClusterId!].HttpRequest!.ActivityTimeout);
        Assert.Equal(TimeSpan.FromSeconds(300), clusters[Resources.Ingest].HttpRequest!.ActivityTimeout);
        Assert.All(clusters.Values, c => Assert.Equal("/health/ready", c.HealthCheck!.Active!.Path));
    }

    [Fact]
    public async Task A_caller_who_leaves_frees_the_service()
    {
        var reached = new TaskCompletionSource();
        var freed = new TaskCompletionSource();
        await using var house = await House.StartAsync(app => app.MapGet("/api/v1/memories/slow", async (HttpContext context) =>
        {
            context.RequestAborted.Register(freed.SetResult);
            reached.SetResult();
            await freed.Task;
        }));
        using var impatience = CancellationTokenSource.CreateLinkedTokenSource(Ct);

        var call = house.Http.GetAsync("/api/v1/memories/slow", impatience.Token);
        await reached.Task.WaitAsync(Ct);
        await impatience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await freed.Task.WaitAsync(Ct);
    }

    [Fact]
    public async Task The_key_is_asked_for_at_the_door_and_handed_on()
    {
        (string, string?)[] key = [("Auth:ApiKey", "open-sesame")];
        await using var house = await House.StartAsync(gateway: key, services: key);

        var without = await house.AskAsync(HttpMethod.Get, "/api/v1/memories");
        var with = await house.AskAsync(HttpMethod.Get, "/api/v1/memories", null, ("Authorization", "Bearer open-sesame"));

        Assert.Equal((HttpStatusCode.Unauthorized, "unauthorized"), (without.Status, (string?)without.Body!["code"]));
        Assert.Equal(HttpStatusCode.OK, with.Status);
        Assert.Equal("Bearer open-sesame", Assert.Single(house.Ingest.Calls).Authorization);
    }

    [Fact]
    public async Task A_page_that_the_door_lets_in_is_not_refused_behind_it()
    {
        await using var house = await House.StartAsync(gateway: [("Edge:AllowedHosts:0", "memory.example.com")]);

        var allowed = await house.AskAsync(HttpMethod.Get, "/api/v1/memories", null, ("Origin", "https://memory.example.com"), ("Host", "memory.example.com"));
        var refused = await house.AskAsync(HttpMethod.Get, "/api/v1/memories", null, ("Origin", "https://evil.example"));

        Assert.Equal(HttpStatusCode.OK, allowed.Status);
        Assert.Null(Assert.Single(house.Ingest.Calls).Origin);
        Assert.Equal(HttpStatusCode.Forbidden, refused.Status);
    }

    [Fact]
    public async Task A_service_may_have_several_addresses()
    {
        await using var house = await House.StartAsync();
        await using var replica = await Service.StartAsync(Resources.Search, "PostgreSql");
        await using var two = await House.StartAsync(gateway: [("services:search:http:0", house.Search.Url), ("services:search:http:1", replica.Url)]);

        for (var i = 0; i < 60; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await two.AskAsync(HttpMethod.Post, "/api/v1/search")).Status);
        }

        Assert.Equal(60, house.Search.Calls.Count + replica.Calls.Count);
        Assert.NotEmpty(house.Search.Calls);
        Assert.NotEmpty(replica.Calls);
    }

    [Theory]
    [InlineData("Gateway:ActivityTimeoutSeconds", "0")]
    [InlineData("Gateway:ProbeIntervalSeconds", "never")]
    public async Task A_bad_setting_stops_the_start_and_is_named(string key, string value)
    {
        var failure = await Assert.ThrowsAnyAsync<Exception>(() => House.StartAsync(gateway: [(key, value)]));

        Assert.StartsWith(key, Assert.Single(StartupErrors.Describe(failure)!), StringComparison.Ordinal);
    }
}
