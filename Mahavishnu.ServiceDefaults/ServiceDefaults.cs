using Mahavishnu.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mahavishnu.ServiceDefaults;

/// <summary>What is true of every server: settings, telemetry, discovery, strict JSON, problem documents, edge rules, health.</summary>
public static class ServiceDefaultsExtensions
{
    /// <summary>Call first, before anything reads a setting.</summary>
    /// <param name="service">
    /// A name of <see cref="Contracts.Resources"/>: it is the telemetry's service name and picks the loopback port where no address is configured.
    /// Without a name the port is a free one.
    /// </param>
    /// <exception cref="SettingsException">A settings file or a setting is wrong; the message names it.</exception>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder, string? service = null) where TBuilder : IHostApplicationBuilder
    {
        var notes = ConfigurationLayers.Add(builder.Configuration, builder.Environment.ContentRootPath);
        builder.Services.AddHostedService(services => new SettingNotes(notes, services.GetRequiredService<ILogger<SettingNotes>>()));
        ConfigurationLayers.AddDefaultLogLevels(builder.Configuration);
        ConfigurationLayers.AddDefaultAddress(builder.Configuration, service is null ? 0 : Resources.Ports[service]);
        SettingsCheck.Run((IConfigurationRoot)builder.Configuration);
        LogFormat.Add(builder);
        Telemetry.Add(builder, service ?? builder.Environment.ApplicationName);
        HttpDefaults.Add(builder.Services);
        StartupErrors.QuietenHost(builder);
        ApiDocument.Add(builder.Services);
        AddOptions(builder.Services);
        AddJsonAndProblems(builder.Services);
        AddHealth(builder.Services);
        builder.Services.TryAddSingleton(TimeProvider.System);
        Stopping.Add(builder.Services);
        return builder;
    }

    /// <summary>The pipeline around the routes. Call once, right after <c>Build</c>, before mapping.</summary>
    public static WebApplication UseServiceDefaults(this WebApplication app)
    {
        // Its uptime counts from here, not from the first question.
        _ = app.Services.GetRequiredService<ProcessClock>();
        app.UseExceptionHandler();
        app.UseStatusCodePages(static async status =>
        {
            var http = status.HttpContext;
            var problems = http.RequestServices.GetRequiredService<IProblemDetailsService>();
            await problems.WriteAsync(new ProblemDetailsContext { HttpContext = http, ProblemDetails = ProblemWriter.ForStatus(http) });
        });
        app.UseMiddleware<EdgeGuard>();
        app.Use(EndStreamsOnShutdownAsync);
        app.Use(ApiDocument.SealPageAsync);
        return app;
    }

    /// <summary>Probes, health document and OpenAPI document.</summary>
    public static IEndpointRouteBuilder MapDefaultEndpoints(this IEndpointRouteBuilder routes)
    {
        routes.MapProbes();
        routes.MapHealthDocument();
        routes.MapOpenApi("/openapi/{documentName}.json");
        return routes;
    }

    private static void AddOptions(IServiceCollection services)
    {
        services.AddOptions<AuthOptions>().BindConfiguration(AuthOptions.Section).ValidateOnStart();
        services.AddOptions<EdgeOptions>().BindConfiguration(EdgeOptions.Section).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AuthOptions>, AuthOptionsValidator>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AuthOptions>, BindRule>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<EdgeOptions>, EdgeOptionsValidator>());
        services.AddHostedService<BindCheck>();
        services.AddOptions<KestrelServerOptions>().Configure<IOptions<EdgeOptions>>((kestrel, edge) =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = edge.Value.MaxBodyBytes;
        });
    }

    private static void AddJsonAndProblems(IServiceCollection services)
    {
        services.Configure<JsonOptions>(json => WireJson.Apply(json.SerializerOptions));
        // Without it a bad request is an empty 400 outside Development; the exception says which parameter it was.
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.AddSingleton<IProblemDetailsWriter, ProblemWriter>();
        services.AddProblemDetails();
        services.AddExceptionHandler<RequestFailures>();
        // RequestFailures logs what is worth a log line, at the level it is worth.
        services.Configure<ExceptionHandlerOptions>(options => options.SuppressDiagnosticsCallback = _ => true);
    }

    private static void AddHealth(IServiceCollection services)
    {
        services.TryAddSingleton<ProcessClock>();
        services.TryAddSingleton<WarmUpState>();
        services.TryAddSingleton<OwnDoor>();
        services.AddHostedService<WarmUpWorker>();
        services.AddHealthChecks().AddCheck<StartupCheck>("startup", tags: [HealthRoutes.ReadyTag, HealthRoutes.ProcessTag]);
        services.PostConfigure<HealthCheckServiceOptions>(health =>
        {
            foreach (var check in health.Registrations.Where(r => r.Timeout == Timeout.InfiniteTimeSpan))
            {
                // A probe that hangs with its dependency is no answer, and the gateway, which asks for this one, does not wait for ever either.
                check.Timeout = TimeSpan.FromSeconds(3);
            }
        });
    }

    /// <summary>Streams of events last as long as somebody listens; at a stop they must not hold the process for the whole grace period.</summary>
    private static async Task EndStreamsOnShutdownAsync(HttpContext context, RequestDelegate next)
    {
        var stream = context.Request.Path.Value?.EndsWith("/events", StringComparison.Ordinal) == true
            || context.Request.Headers.Accept.Any(a => a?.Contains("text/event-stream", StringComparison.OrdinalIgnoreCase) == true);
        if (!stream)
        {
            await next(context);
            return;
        }

        var lifetime = context.RequestServices.GetRequiredService<IHostApplicationLifetime>();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        context.RequestAborted = end.Token;
        await next(context);
    }
}
