using System.Diagnostics;
using Mahavishnu.Contracts;
using Microsoft.Extensions.Configuration;
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
    public const string Disabled = "OTEL_SDK_DISABLED";
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string Protocol = "OTEL_EXPORTER_OTLP_PROTOCOL";
    private const string SamplerName = "OTEL_TRACES_SAMPLER";

    /// <summary>Source and meter of the MCP library: a span for each request, under the trace that the client names in it.</summary>
    private const string Mcp = "Experimental.ModelContextProtocol";
    private static readonly string[] Protocols = ["grpc", "http/protobuf"];

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
                .AddMeter("Mahavishnu.*", "Yarp.ReverseProxy", Mcp))
            .WithTracing(traces =>
            {
                // Probes come every few seconds and say nothing that the health document does not.
                traces.AddAspNetCoreInstrumentation(options => options.Filter = context => !HealthRoutes.IsProbe(context.Request.Path))
                    .AddHttpClientInstrumentation()
                    .AddSource("Mahavishnu.*", "Yarp.ReverseProxy", Mcp);
                if (string.IsNullOrWhiteSpace(builder.Configuration[SamplerName]))
                {
                    traces.SetSampler(new ParentBasedSampler(new WorthATrace()));
                }
            });

        if (Exports(builder.Configuration))
        {
            telemetry.UseOtlpExporter();
        }
    }

    private static bool Exports(IConfiguration configuration)
    {
        var endpoint = configuration[Endpoint];
        if (string.IsNullOrWhiteSpace(endpoint) || string.Equals(configuration[Disabled], "true", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            throw new SettingsException($"{Endpoint}: '{endpoint}' is not an http(s) URL such as http://localhost:4317.");
        }

        // The exporter would quietly take the other one, and the collector would not understand a word.
        return configuration[Protocol] is not { Length: > 0 } protocol || Protocols.Contains(protocol)
            ? true
            : throw new SettingsException($"{Protocol}: '{protocol}' is not one of {string.Join(", ", Protocols)}.");
    }

    /// <summary>A call that nobody asked for (workers that look into an empty queue, probes of other services) would be a trace of its own, several a second.</summary>
    private sealed class WorthATrace : Sampler
    {
        public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) =>
            new(samplingParameters.Kind == ActivityKind.Client ? SamplingDecision.Drop : SamplingDecision.RecordAndSample);
    }
}
