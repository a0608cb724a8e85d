using Mahavishnu.Contracts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Mahavishnu.ServiceDefaults;

/// <summary>Logs, metrics and traces of every service; they leave the process only where an OTLP endpoint is named.</summary>
internal static class Telemetry
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    public static void Add(IHostApplicationBuilder builder, string service)
    {
        builder.Logging.AddOpenTelemetry(logs =>
        {
            logs.IncludeFormattedMessage = true;
            logs.IncludeScopes = true;
        });
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource =>
            {
                // The standard variable wins: an orchestrator names replicas with it.
                if (string.IsNullOrWhiteSpace(builder.Configuration["OTEL_SERVICE_NAME"]))
                {
                    resource.AddService(service, serviceVersion: ProgramVersion.Current);
                }
            })
            .WithMetrics(metrics => metrics
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation()
                .AddMeter("Mahavishnu.*", "Npgsql", "Yarp.ReverseProxy"))
            .WithTracing(traces => traces
                // Probes come every few seconds and say nothing that the health document does not.
                .AddAspNetCoreInstrumentation(options => options.Filter = context => !HealthRoutes.IsProbe(context.Request.Path))
                .AddHttpClientInstrumentation()
                .AddSource("Mahavishnu.*", "Npgsql", "Yarp.ReverseProxy"));

        var endpoint = builder.Configuration[Endpoint];
        if (string.IsNullOrWhiteSpace(endpoint))
        {
            return;
        }

        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            throw new SettingsException($"{Endpoint}: '{endpoint}' is not an http(s) URL such as http://localhost:4317.");
        }

        telemetry.UseOtlpExporter();
    }
}
