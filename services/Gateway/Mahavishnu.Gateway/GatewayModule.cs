using Mahavishnu.Contracts;
using Mahavishnu.Mcp;
using Mahavishnu.ServiceDefaults;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.ServiceDiscovery;
using Yarp.ReverseProxy.Transforms;

namespace Mahavishnu.Gateway;

/// <summary>The one public door: the proxy to the services, their documents merged, their health in one answer.</summary>
internal static class GatewayModule
{
    public static WebApplicationBuilder AddGateway(this WebApplicationBuilder builder)
    {
        // Programs started by hand find each other; anything configured wins.
        ((IConfigurationBuilder)builder.Configuration).Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData = ProxyMap.Services.Select(s => KeyValuePair.Create($"services:{s}:http:0", (string?)$"http://127.0.0.1:{Resources.Ports[s]}")),
        });

        builder.Services.AddOptions<GatewayOptions>().BindConfiguration(GatewayOptions.Section).ValidateOnStart();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<GatewayOptions>, GatewayOptionsValidator>());
        builder.Services.AddReverseProxy()
            // This door has checked where the page comes from; the services know only their own names.
            .AddTransforms(transforms => transforms.AddRequestHeaderRemove("Origin"));
        builder.Services.AddSingleton<IProxyConfigProvider>(services => new InMemoryConfigProvider(
            ProxyMap.Routes(services.GetRequiredService<IOptions<EdgeOptions>>().Value),
            ProxyMap.Clusters(services.GetRequiredService<IOptions<GatewayOptions>>().Value)));
        builder.Services.Replace(ServiceDescriptor.Singleton<IDestinationResolver, DiscoveredDestinations>());
        builder.Services.Replace(ServiceDescriptor.Singleton<IForwarderHttpClientFactory, UpstreamConnections>());
        builder.Services.TryAddSingleton<UpstreamHealth>();
        builder.Services.TryAddSingleton<MergedDocument>();
        builder.Services.AddWarmUp("door", static (provider, ct) => DoorWarmUp.RunAsync(provider.GetRequiredService<OwnDoor>(), ct));
        builder.AddServiceClients();
        builder.AddMcp();
        return builder;
    }

    public static void MapGateway(this WebApplication app)
    {
        app.MapLive();
        app.MapGet(HealthRoutes.Ready, ReadyAsync).ExcludeFromDescription();
        app.MapGet($"{Resources.Api}/health", async (UpstreamHealth upstream, ProcessClock clock, CancellationToken ct) =>
            HealthRoutes.ToResult(HealthRoutes.Document(await upstream.ComponentsAsync(ct), clock)));
        app.MapGet(ApiDocument.Path, async (MergedDocument document, CancellationToken ct) =>
            TypedResults.Json(await document.GetAsync(ct), WireJson.Strict)).ExcludeFromDescription();
        app.MapApiPage();
        app.MapMcp();
        app.MapReverseProxy(proxy =>
        {
            proxy.Use(UpstreamProblems.ExplainAsync);
            proxy.Use(SafeRepeat.SendAsync);
            proxy.UseLoadBalancing();
        });
    }

    private static async Task<IResult> ReadyAsync(HealthCheckService checks, UpstreamHealth upstream, CancellationToken ct)
    {
        var own = await checks.CheckHealthAsync(c => c.Tags.Contains(HealthRoutes.ReadyTag), ct);
        var (ready, upstreams) = await upstream.ReadyAsync(ct);
        var document = HealthRoutes.ReadyDocument(own);
        foreach (var (name, check) in upstreams)
        {
            document["checks"]!.AsObject().TryAdd(name, check?.DeepClone());
        }

        ready &= own.Status != HealthStatus.Unhealthy;
        document["ready"] = ready;
        return TypedResults.Json(document, WireJson.Strict, statusCode: ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }
}
