using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Mahavishnu.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mahavishnu.ServiceDefaults;

/// <summary>The two probes and the health document, all read from the registered health checks.</summary>
public static class HealthRoutes
{
    /// <summary>Answers while the process does; no I/O.</summary>
    public const string Live = "/health/live";

    /// <summary>200 when requests can be answered, 503 before and while stopping.</summary>
    public const string Ready = "/health/ready";

    /// <summary>Tag of the health checks that <see cref="Ready"/> waits for. Their <c>Data</c> entries stand beside their status in its answer.</summary>
    public const string ReadyTag = "ready";

    /// <summary>Tag of health checks that are about this process and no component of the health document.</summary>
    internal const string ProcessTag = "process";

    private static readonly JsonSerializerOptions Format = new(WireJson.Strict) { Converters = { new PythonFloat() } };

    internal static bool IsProbe(PathString path) =>
        path.Equals(Live, StringComparison.OrdinalIgnoreCase) || path.Equals(Ready, StringComparison.OrdinalIgnoreCase);

    /// <summary>Maps <see cref="Live"/> and <see cref="Ready"/>.</summary>
    public static void MapProbes(this IEndpointRouteBuilder routes)
    {
        routes.MapLive();
        routes.MapGet(Ready, async (HealthCheckService checks, CancellationToken ct) =>
        {
            var report = await checks.CheckHealthAsync(c => c.Tags.Contains(ReadyTag), ct);
            return TypedResults.Json(
                ReadyDocument(report), WireJson.Strict,
                statusCode: report.Status == HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK);
        }).ExcludeFromDescription();
    }

    /// <summary>Maps <see cref="Live"/> alone, for a server with its own idea of being ready.</summary>
    public static void MapLive(this IEndpointRouteBuilder routes) =>
        routes.MapGet(Live, () => TypedResults.Json(new { status = "ok" }, WireJson.Strict)).ExcludeFromDescription();

    /// <summary>Maps <c>/api/v1/health</c>, 503 when a component is unhealthy.</summary>
    public static void MapHealthDocument(this IEndpointRouteBuilder routes) =>
        routes.MapGet($"{Resources.Api}/health", async (HealthCheckService checks, ProcessClock clock, CancellationToken ct) =>
        {
            var report = await checks.CheckHealthAsync(c => !c.Tags.Contains(ProcessTag), ct);
            return ToResult(Document(report.Entries.Select(e => Component(e.Key, e.Value)), clock));
        }).WithTags("Health").WithName("Health").WithSummary("State of each component, in the shape of mcp-common");

    /// <summary>The document with the worst status of its components; healthy if there are none.</summary>
    public static HealthDocument Document(IEnumerable<ComponentHealth> components, ProcessClock clock)
    {
        var all = components.ToList();
        return new HealthDocument(
            all.Select(c => c.Status).DefaultIfEmpty("healthy").MaxBy(Severity)!,
            clock.Now.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'+00:00'", CultureInfo.InvariantCulture),
            ProgramVersion.Current,
            Math.Round(clock.Uptime.TotalSeconds, 2),
            all);
    }

    public static IResult ToResult(HealthDocument document) => TypedResults.Json(
        document, Format,
        statusCode: document.Status == "unhealthy" ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK);

    /// <summary>0 healthy, 1 degraded, 2 unhealthy (or a word nobody knows).</summary>
    public static int Severity(string status) => status switch
    {
        "healthy" => 0,
        "degraded" => 1,
        _ => 2,
    };

    internal static ComponentHealth Component(string name, HealthReportEntry entry) => new(
        // "PostgreSql" is the name of the check; the plan and its readers say "postgresql".
        name.ToLowerInvariant(),
        Status(entry.Status),
        Message(entry),
        Math.Round(entry.Duration.TotalMilliseconds, 2),
        entry.Data.Count == 0 ? null : entry.Data.ToDictionary(d => d.Key, object? (d) => d.Value, StringComparer.Ordinal));

    /// <summary>
    /// <c>{"ready":true,"checks":{"startup":{"status":"healthy","message":"Warm."},"postgresql":{"status":"healthy","message":"…","database":"Host=…","schemaVersion":2}}}</c>
    /// </summary>
    public static JsonObject ReadyDocument(HealthReport report)
    {
        var document = new JsonObject { ["ready"] = report.Status != HealthStatus.Unhealthy };
        var checks = new JsonObject();
        foreach (var (name, entry) in report.Entries)
        {
            var check = new JsonObject { ["status"] = Status(entry.Status), ["message"] = Message(entry) };
            foreach (var (key, value) in entry.Data)
            {
                check.TryAdd(key, JsonSerializer.SerializeToNode(value, WireJson.Strict));
            }

            checks[name.ToLowerInvariant()] = check;
        }

        document["checks"] = checks;
        return document;
    }

    // The text of an exception that a check let through becomes its description, and may hold a connection string;
    // only what a check says on purpose leaves the process.
    private static string? Message(HealthReportEntry entry) =>
        entry.Exception is { } exception && entry.Description == exception.Message ? exception.GetType().Name : entry.Description;

    private static string Status(HealthStatus status) => status switch
    {
        HealthStatus.Healthy => "healthy",
        HealthStatus.Degraded => "degraded",
        _ => "unhealthy",
    };
}

/// <summary>Numbers with a fraction as Python prints them, which is what readers of this document compare with: 12.0, not 12.</summary>
internal sealed class PythonFloat : JsonConverter<double>
{
    public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDouble();

    public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
    {
        var text = value.ToString(CultureInfo.InvariantCulture);
        writer.WriteRawValue(text.AsSpan().IndexOfAny('.', 'E') < 0 ? text + ".0" : text);
    }
}

/// <summary>When this process began, and how long ago that is.</summary>
public sealed class ProcessClock(TimeProvider time)
{
    private readonly long _started = time.GetTimestamp();

    public DateTimeOffset Now => time.GetUtcNow();

    public TimeSpan Uptime => time.GetElapsedTime(_started);
}
