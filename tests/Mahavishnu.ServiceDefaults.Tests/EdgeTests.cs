using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Mahavishnu.ServiceDefaults.Tests;

public sealed class EdgeTests
{
    private const string Key = "correct-horse-battery";

    private static Task<TestServer> StartAsync(params (string Key, string? Value)[] settings) =>
        TestServer.StartAsync(app => app.MapGet("/x", () => "here"), settings: settings);

    [Theory]
    [InlineData("localhost")]
    [InlineData("LOCALHOST:8686")]
    [InlineData("127.0.0.1:1")]
    [InlineData("127.8.8.8")]
    [InlineData("[::1]:8686")]
    [InlineData("app.localhost")]
    [InlineData("ingest:8080")]
    public async Task A_host_that_means_this_machine_is_answered(string host)
    {
        await using var server = await StartAsync();

        Assert.Equal(HttpStatusCode.OK, (await server.Http.AskAsync(HttpMethod.Get, "/x", null, ("Host", host))).Status);
    }

    [Theory]
    [InlineData("evil.example")]
    [InlineData("localhost.evil.example")]
    [InlineData("evil-localhost")]
    [InlineData("10.1.2.3")]
    [InlineData("0.0.0.0")]
    public async Task Another_host_is_refused_everywhere(string host)
    {
        await using var server = await StartAsync();

        foreach (var path in new[] { "/x", "/nowhere", "/health/ready", "/openapi/v1.json" })
        {
            var answer = await server.Http.AskAsync(HttpMethod.Get, path, null, ("Host", host));

            Assert.Equal((HttpStatusCode.Forbidden, "forbidden_origin"), (answer.Status, answer.Code));
            Assert.Contains("Edge:AllowedHosts", answer.Detail, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("http://localhost:3000", true)]
    [InlineData("https://127.0.0.1", true)]
    [InlineData("http://[::1]:5000", true)]
    [InlineData("https://evil.example", false)]
    [InlineData("null", false)]
    [InlineData("chrome-extension://abcdef", false)]
    [InlineData("http://localhost.evil.example", false)]
    public async Task A_page_may_call_only_from_this_machine(string origin, bool allowed)
    {
        await using var server = await StartAsync();

        var answer = await server.Http.AskAsync(HttpMethod.Get, "/x", null, ("Origin", origin));

        Assert.Equal(allowed ? HttpStatusCode.OK : HttpStatusCode.Forbidden, answer.Status);
    }

    [Fact]
    public async Task Named_hosts_are_answered_with_their_pages()
    {
        await using var server = await StartAsync(("Edge:AllowedHosts:0", "memory.example.com"), ("Edge:AllowedHosts:1", "*.corp.example"));

        Assert.Equal(HttpStatusCode.OK, (await server.Http.AskAsync(HttpMethod.Get, "/x", null, ("Host", "Memory.Example.com:80"), ("Origin", "https://a.corp.example"))).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await server.Http.AskAsync(HttpMethod.Get, "/x", null, ("Host", "corp.example"))).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await server.Http.AskAsync(HttpMethod.Get, "/x", null, ("Host", "notcorp.example"))).Status);
    }

    [Fact]
    public async Task With_a_key_every_route_but_the_probes_needs_it()
    {
        await using var server = await StartAsync(("Auth:ApiKey", Key));

        foreach (var path in new[] { "/x", "/nowhere", "/openapi/v1.json", "/api/v1/health", "/health/live/x" })
        {
            var answer = await server.Http.AskAsync(HttpMethod.Get, path);
            Assert.Equal((HttpStatusCode.Unauthorized, "unauthorized"), (answer.Status, answer.Code));
            Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.Single().Scheme);
        }

        Assert.Equal(HttpStatusCode.OK, (await server.Http.AskAsync(HttpMethod.Get, "/health/live")).Status);
        Assert.Equal(HttpStatusCode.OK, (await server.Http.AskAsync(HttpMethod.Get, "/health/ready", null, ("Host", "10.1.2.3"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await server.Http.AskAsync(HttpMethod.Get, "/x", null, ("Authorization", $"Bearer {Key}"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await server.Http.AskAsync(HttpMethod.Get, "/x", null, ("Authorization", $"bearer {Key}"))).Status);
    }

    [Theory]
    [InlineData("Bearer wrong")]
    [InlineData("Bearer ")]
    [InlineData("Bearer")]
    [InlineData("Basic correct-horse-battery")]
    [InlineData("correct-horse-battery")]
    [InlineData("Bearer correct-horse-batter")]
    [InlineData("Bearer correct-horse-battery2")]
    public async Task Another_key_is_refused(string authorization)
    {
        await using var server = await StartAsync(("Auth:ApiKey", Key));

        var answer = await server.Http.AskAsync(HttpMethod.Get, "/x", null, ("Authorization", authorization));

        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
        Assert.Contains("invalid_token", answer.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_configured_listens_on_loopback_only()
    {
        await using var server = await StartAsync();

        Assert.All(server.App.Urls, url => Assert.StartsWith("http://127.0.0.1:", url, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("urls", "http://0.0.0.0:0")]
    [InlineData("urls", "http://*:0")]
    [InlineData("urls", "http://127.0.0.1:0;http://[::]:0")]
    [InlineData("urls", "http://my-machine:0")]
    [InlineData("http_ports", "8080")]
    [InlineData("Kestrel:Endpoints:Http:Url", "http://0.0.0.0:0")]
    public async Task Listening_for_others_without_a_key_stops_the_start_and_names_the_key(string setting, string value)
    {
        var failure = await Assert.ThrowsAnyAsync<Exception>(() => StartAsync((setting, value), ("Auth:ApiKey", " ")));

        var line = Assert.Single(StartupErrors.Describe(failure)!);
        Assert.StartsWith("Auth:ApiKey", line, StringComparison.Ordinal);
        Assert.Contains(setting, line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_a_key_others_may_reach_it()
    {
        await using var server = await StartAsync(("urls", "http://0.0.0.0:0"), ("Auth:ApiKey", Key));

        Assert.Equal(HttpStatusCode.Unauthorized, (await server.Http.AskAsync(HttpMethod.Get, "/x")).Status);
    }

    [Fact]
    public async Task An_address_opened_by_code_is_seen_too()
    {
        var failure = await Assert.ThrowsAnyAsync<Exception>(() => TestServer.StartAsync(
            _ => { }, builder => builder.Services.Configure<KestrelServerOptions>(kestrel => kestrel.ListenAnyIP(0))));

        Assert.Contains("Auth:ApiKey", StartupErrors.Describe(failure)!.Single(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("urls", "nonsense", "urls")]
    [InlineData("urls", "ftp://127.0.0.1:1", "urls")]
    [InlineData("Edge:MaxBodyBytes", "12", "Edge:MaxBodyBytes")]
    [InlineData("Edge:MaxBodyBytes", "many", "Edge:MaxBodyBytes")]
    [InlineData("Auth:ApiKey", "two words", "Auth:ApiKey")]
    public async Task A_bad_value_stops_the_start_and_names_its_key(string setting, string value, string named)
    {
        var failure = await Assert.ThrowsAnyAsync<Exception>(() => StartAsync((setting, value)));

        Assert.Contains(named, Assert.Single(StartupErrors.Describe(failure)!), StringComparison.Ordinal);
        Assert.DoesNotContain(value == "two words" ? value : "System.", StartupErrors.Describe(failure)!.Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_taken_port_is_a_line_that_names_it()
    {
        await using var first = await StartAsync();
        var taken = first.App.Urls.Single();

        var failure = await Assert.ThrowsAnyAsync<Exception>(() => StartAsync(("urls", taken)));

        Assert.Contains(taken, StartupErrors.Describe(failure)!.Single(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MaxBodyBytes: The field EdgeOptions.MaxBodyBytes must be between 1 and 9.", "Edge:MaxBodyBytes must be between 1 and 9.")]
    [InlineData("AllowedHosts: The EdgeOptions.AllowedHosts field is required.", "Edge:AllowedHosts is required.")]
    [InlineData("MaxBodyBytes: must be even.", "Edge:MaxBodyBytes must be even.")]
    [InlineData("Edge:MaxBodyBytes must be even.", "Edge:MaxBodyBytes must be even.")]
    [InlineData("urls: 'x' is no address.", "urls: 'x' is no address.")]
    public void A_validators_words_become_the_key(string failure, string line) =>
        Assert.Equal(line, StartupErrors.NameKey(failure, typeof(EdgeOptions)));

    [Fact]
    public void A_bug_is_not_described_as_a_setting() =>
        Assert.Null(StartupErrors.Describe(new AggregateException(new OptionsValidationException("x", typeof(object), ["a"]), new InvalidOperationException("bug"))));
}
