using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.EndToEnd.Tests;

/// <param name="Service">Who made it: the resource's <c>service.name</c>.</param>
/// <param name="Scope">The library or module.</param>
internal sealed record ReceivedSpan(string Service, string Scope, string Name, string TraceId, string SpanId, string ParentId, IReadOnlyList<(string TraceId, string SpanId)> Links);

internal sealed record ReceivedLog(string Service, string Logger, string Text, string TraceId, string SpanId);

internal sealed record ReceivedMetric(string Service, string Scope, string Name, string Unit, InstrumentKind Kind);

/// <summary>A collector: takes OTLP over HTTP with protobuf and keeps what it got.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<byte[]> _bodies = new();

    private OtlpReceiver(WebApplication app) => _app = app;

    public ConcurrentQueue<ReceivedSpan> Spans { get; } = new();

    public ConcurrentQueue<ReceivedLog> Logs { get; } = new();

    public ConcurrentQueue<ReceivedMetric> Metrics { get; } = new();

    /// <summary>What makes a program send here, soon.</summary>
    public (string Name, string? Value)[] Settings =>
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", _app.Urls.Single()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"), ("OTEL_BLRP_SCHEDULE_DELAY", "100"), ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
    ];

    public static async Task<OtlpReceiver> StartAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration["urls"] = "http://127.0.0.1:0";
        var app = builder.Build();
        var receiver = new OtlpReceiver(app);
        app.MapPost("/v1/traces", context => receiver.TakeAsync(context, receiver.TakeSpans));
        app.MapPost("/v1/logs", context => receiver.TakeAsync(context, receiver.TakeLogs));
        app.MapPost("/v1/metrics", context => receiver.TakeAsync(context, receiver.TakeMetrics));
        await app.StartAsync(TestContext.Current.CancellationToken);
        return receiver;
    }

    /// <summary>Whether anything that came in, of whatever kind, holds these words.</summary>
    public bool Holds(string text)
    {
        var words = Encoding.UTF8.GetBytes(text);
        return _bodies.Any(b => b.AsSpan().IndexOf(words) >= 0);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }

    private async Task TakeAsync(HttpContext context, Action<Protobuf> take)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        _bodies.Enqueue(body.ToArray());
        take(new Protobuf(body.ToArray()));
        context.Response.ContentType = "application/x-protobuf";
    }

    // ExportTraceServiceRequest: resource_spans 1 → { resource 1, scope_spans 2 → { scope 1, spans 2 } }; logs and metrics are built alike.
    private void TakeSpans(Protobuf request)
    {
        foreach (var (service, scope, span) in Items(request))
        {
            Spans.Enqueue(new ReceivedSpan(service, scope, span.Text(5), span.Hex(1), span.Hex(2), span.Hex(4), [.. span.All(13).Select(link => (link.Hex(1), link.Hex(2)))]));
        }
    }

    private void TakeLogs(Protobuf request)
    {
        foreach (var (service, scope, log) in Items(request))
        {
            Logs.Enqueue(new ReceivedLog(service, scope, log.One(5).Text(1), log.Hex(9), log.Hex(10)));
        }
    }

    private void TakeMetrics(Protobuf request)
    {
        foreach (var (service, scope, metric) in Items(request))
        {
            // Its data: gauge 5, sum 7 { is_monotonic 3 }, histogram 9.
            var kind = metric.Has(9) ? InstrumentKind.Histogram : metric.One(7).IsTrue(3) ? InstrumentKind.Counter : InstrumentKind.Gauge;
            Metrics.Enqueue(new ReceivedMetric(service, scope, metric.Text(1), metric.Text(3), kind));
        }
    }

    private static IEnumerable<(string Service, string Scope, Protobuf Item)> Items(Protobuf request) =>
        from resource in request.All(1)
        let service = resource.One(1).All(1).Where(a => a.Text(1) == "service.name").Select(a => a.One(2).Text(1)).FirstOrDefault("")
        from scope in resource.All(2)
        from item in scope.All(2)
        select (service, scope.One(1).Text(1), item);
}
