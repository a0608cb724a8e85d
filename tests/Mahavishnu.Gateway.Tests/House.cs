using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.Gateway.Tests;

/// <summary>What a service behind the gateway received.</summary>
internal sealed record Received(string Method, string Path, string? Authorization, string? Origin, string Body);

/// <summary>A real server that stands where a service stands: the defaults, and an echo for every route.</summary>
internal sealed class Service : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Service(WebApplication app) => _app = app;

    public ConcurrentQueue<Received> Calls { get; } = new();

    public HealthStatus Health { get; set; } = HealthStatus.Healthy;

    public string Url => _app.Urls.Single();

    public static async Task<Service> StartAsync(string name, string part, Action<WebApplication>? map = null, params (string Key, string? Value)[] settings)
    {
        var builder = House.Builder(settings);
        builder.AddServiceDefaults();
        Service? service = null;
        builder.Services.AddHealthChecks().AddCheck(part, () => new HealthCheckResult(service!.Health, $"as {name} sees it", data: new Dictionary<string, object> { ["schemaVersion"] = 3 }), ["ready"]);
        var app = builder.Build();
        service = new Service(app);
        app.UseServiceDefaults();
        app.MapDefaultEndpoints();
        map?.Invoke(app);
        app.MapFallback(async context =>
        {
            if (context.Request.Headers.ContainsKey("Mahavishnu-Rehearsal"))
            {
                // The door's own, before it says that it is ready: nobody's call.
                return;
            }

            using var reader = new StreamReader(context.Request.Body);
            service.Calls.Enqueue(new Received(
                context.Request.Method, context.Request.Path + context.Request.QueryString,
                context.Request.Headers.Authorization, context.Request.Headers.Origin, await reader.ReadToEndAsync(context.RequestAborted)));
            await context.Response.WriteAsJsonAsync(new { service = name }, context.RequestAborted);
        }).WithMetadata(new Microsoft.AspNetCore.Mvc.RequestSizeLimitAttribute(RequestLimits.Batch));
        await app.StartServiceAsync(TestContext.Current.CancellationToken);
        return service;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }
}

/// <summary>The real gateway and three services on free ports.</summary>
internal sealed class House : IAsyncDisposable
{
    private readonly WebApplication _gateway;

    private House(WebApplication gateway, Dictionary<string, Service> services)
    {
        _gateway = gateway;
        Services = services;
        // Who asks before sending waits for the answer: on a busy machine that takes longer than the second that is usual.
        Http = new HttpClient(new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromSeconds(30) }) { BaseAddress = new Uri(gateway.Urls.Single()) };
    }

    public HttpClient Http { get; }

    public Dictionary<string, Service> Services { get; }

    public Service Ingest => Services[Resources.Ingest];

    public Service Search => Services[Resources.Search];

    public static WebApplicationBuilder Builder(params (string Key, string? Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Test", ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["Settings:File"] = "", ["urls"] = "http://127.0.0.1:0" });
        builder.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, s.Value)));
        builder.Logging.ClearProviders();
        return builder;
    }

    public static async Task<House> StartAsync(
        Action<WebApplication>? mapIngest = null, (string Key, string? Value)[]? gateway = null, (string Key, string? Value)[]? services = null, string part = "PostgreSql")
    {
        var started = new Dictionary<string, Service>(StringComparer.Ordinal);
        foreach (var name in Resources.Routes.Values.Distinct(StringComparer.Ordinal))
        {
            started[name] = await Service.StartAsync(name, part, name == Resources.Ingest ? mapIngest : null, services ?? []);
        }

        var builder = Builder([.. started.Select(s => ($"services:{s.Key}:http:0", (string?)s.Value.Url))]);
        builder.Configuration.AddInMemoryCollection((gateway ?? []).Select(s => KeyValuePair.Create(s.Key, s.Value)));
        builder.AddServiceDefaults(Resources.Gateway);
        builder.AddGateway();
        var app = builder.Build();
        app.UseServiceDefaults();
        app.MapGateway();
        await app.StartServiceAsync(TestContext.Current.CancellationToken);
        if (gateway?.Any(s => s.Key.StartsWith("services:", StringComparison.Ordinal)) != true)
        {
            // Everybody is there, so it will be warm.
            await Eventually.Async(
                () => app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(c => c.Name == "startup", TestContext.Current.CancellationToken),
                report => report.Status == HealthStatus.Healthy, "The door's warm-up");
        }

        return new House(app, started);
    }

    public async Task<(HttpStatusCode Status, JsonNode? Body, HttpResponseMessage Response)> AskAsync(
        HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        foreach (var (name, value) in headers)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        }

        var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return (response.StatusCode, text.StartsWith('{') ? JsonNode.Parse(text) : null, response);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _gateway.StopAsync(CancellationToken.None);
        await _gateway.DisposeAsync();
        foreach (var service in Services.Values)
        {
            await service.DisposeAsync();
        }
    }
}
