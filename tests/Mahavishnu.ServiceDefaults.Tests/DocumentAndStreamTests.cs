using System.Net;
using System.Text.RegularExpressions;
using Mahavishnu.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Mahavishnu.ServiceDefaults.Tests;

public sealed class DocumentAndStreamTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_routes_are_described_and_the_probes_are_not()
    {
        await using var server = await TestServer.StartAsync(app => app.MapPost("/api/v1/memories", (NewMemory memory) => TypedResults.Ok(memory)), settings: ("server_name", "My memory"));

        var document = (await server.Http.AskAsync(HttpMethod.Get, ApiDocument.Path)).Body!;

        Assert.Equal("My memory", (string?)document["info"]!["title"]);
        Assert.Equal(["/api/v1/health", "/api/v1/memories"], document["paths"]!.AsObject().Select(p => p.Key).Order(StringComparer.Ordinal));
        Assert.NotNull(document["components"]!["schemas"]!["NewMemory"]);
        Assert.Null(document["components"]!["securitySchemes"]);
    }

    [Fact]
    public async Task With_a_key_the_document_says_how_to_give_it()
    {
        await using var server = await TestServer.StartAsync(_ => { }, settings: ("Auth:ApiKey", "k"));

        var document = (await server.Http.AskAsync(HttpMethod.Get, ApiDocument.Path, null, ("Authorization", "Bearer k"))).Body!;

        Assert.Equal("bearer", (string?)document["components"]!["securitySchemes"]!["apiKey"]!["scheme"]);
        Assert.Single(document["security"]!.AsArray());
    }

    [Fact]
    public async Task The_page_needs_nothing_from_elsewhere()
    {
        await using var server = await TestServer.StartAsync(app => app.MapApiPage());

        using var response = await server.Http.GetAsync("/scalar", Ct);
        var html = await response.Content.ReadAsStringAsync(Ct);
        var page = response.RequestMessage!.RequestUri!;

        Assert.DoesNotMatch(new Regex("(src|href)=\"(https?:)?//", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)), html);
        Assert.Contains("\"withDefaultFonts\":false", html, StringComparison.Ordinal);
        Assert.Contains("default-src 'self'", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        var scripts = Regex.Matches(html, "src=\"(?<url>[^\"]+)\"", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)).Select(m => m.Groups["url"].Value).ToList();
        Assert.NotEmpty(scripts);
        foreach (var script in scripts)
        {
            using var file = await server.Http.GetAsync(new Uri(page, script), Ct);
            Assert.Equal(HttpStatusCode.OK, file.StatusCode);
            Assert.Contains("javascript", file.Content.Headers.ContentType!.MediaType, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_stream_of_events_ends_when_the_server_stops()
    {
        await using var server = await TestServer.StartAsync(app => app.MapGet("/events", async (HttpContext context) =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("data: 1\n\n", Ct);
            await context.Response.Body.FlushAsync(Ct);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        }));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/events") { Headers = { { "Accept", "text/event-stream" } } };
        using var response = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
        await using var stream = await response.Content.ReadAsStreamAsync(Ct);
        Assert.NotEqual(-1, stream.ReadByte());

        // Held for as long as the grace period this would time out with the test.
        await server.App.StopAsync(Ct);
    }

    [Fact]
    public async Task A_service_is_called_by_its_name_and_only_safe_calls_are_repeated()
    {
        var posts = 0;
        await using var server = await TestServer.StartAsync(app =>
        {
            app.MapGet("/x", () => "found");
            app.MapPost("/x", (HttpContext context) =>
            {
                posts++;
                context.Abort();
            });
            var gets = 0;
            app.MapGet("/once-broken", (HttpContext context) =>
            {
                if (gets++ == 0)
                {
                    context.Abort();
                }
            });
        });
        await using var caller = await TestServer.StartAsync(_ => { }, settings: ("services:search:http:0", server.App.Urls.Single()));
        using var http = caller.App.Services.GetRequiredService<IHttpClientFactory>().CreateClient();

        Assert.Equal("found", await http.GetStringAsync(new Uri("http://search/x"), Ct));
        Assert.Equal("", await http.GetStringAsync(new Uri("http://search/once-broken"), Ct));
        await Assert.ThrowsAsync<HttpRequestException>(() => http.PostAsync(new Uri("http://search/x"), null, Ct));
        Assert.Equal(1, posts);
    }
}
