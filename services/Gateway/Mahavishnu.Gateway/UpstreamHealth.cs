using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Gateway;

/// <summary>Asks the services how they are, with one attempt and a short patience each.</summary>
internal sealed class UpstreamHealth(IHttpClientFactory clients, IOptions<AuthOptions> auth, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private readonly ConcurrentDictionary<string, bool> _wereReady = new(StringComparer.Ordinal);

    /// <summary>
    /// The gateway is ready once every service has been, and stays so while one of them is: later failures are for the routes concerned to
    /// report, not a reason to close the door on the others.
    /// </summary>
    public async Task<(bool Ready, JsonObject Checks)> ReadyAsync(CancellationToken ct)
    {
        var services = ProxyMap.Services.ToList();
        var answers = await Task.WhenAll(services.Select(s => AskAsync(s, HealthRoutes.Ready, ct)));
        var checks = new JsonObject();
        var shared = new JsonObject();
        foreach (var (service, answer) in services.Zip(answers))
        {
            var ready = answer.Body?["ready"] is JsonValue value && value.TryGetValue(out bool yes) && yes;
            if (ready)
            {
                _wereReady[service] = true;
            }

            checks[service] = new JsonObject
            {
                ["status"] = ready ? "healthy" : "unhealthy",
                ["message"] = answer.Body is null ? answer.Failure : ready ? "Ready." : "Not ready.",
            };
            // What the services know of the database and the model stands where it stands when all is one process.
            foreach (var (name, check) in answer.Body?["checks"] as JsonObject ?? [])
            {
                if (name != "startup" || !ready)
                {
                    shared.TryAdd(name == "startup" ? $"{service} startup" : name, check?.DeepClone());
                }
            }
        }

        foreach (var (name, check) in shared)
        {
            checks.TryAdd(name, check?.DeepClone());
        }

        return (services.TrueForAll(_wereReady.ContainsKey) && answers.Any(a => (bool?)a.Body?["ready"] == true), checks);
    }

    /// <summary>
    /// Each service as a component, then what they are made of; where several report the same part, the worst report counts. A part that has a service's name
    /// (<c>migration</c>, the schema) is told with that service: the document has no name twice.
    /// </summary>
    public async Task<IReadOnlyList<ComponentHealth>> ComponentsAsync(CancellationToken ct)
    {
        var services = ProxyMap.Services.ToList();
        var answers = await Task.WhenAll(services.Select(s => AskAsync(s, $"{Resources.Api}/health", ct)));
        var parts = answers
            .SelectMany(a => a.Body?["components"]?.Deserialize() ?? [])
            .GroupBy(c => c.Name, StringComparer.Ordinal)
            .Select(g => g.MaxBy(c => HealthRoutes.Severity(c.Status))!)
            .ToList();
        var own = services.Zip(answers, (service, answer) =>
        {
            var part = parts.Find(p => p.Name == service);
            string[] statuses = [(string?)answer.Body?["status"] ?? "unhealthy", part?.Status ?? "healthy"];
            return new ComponentHealth(
                service, statuses.MaxBy(HealthRoutes.Severity)!, answer.Failure ?? part?.Message, Math.Round(answer.Elapsed.TotalMilliseconds, 2), part?.Metadata);
        });
        return [.. own, .. parts.Where(p => !services.Contains(p.Name))];
    }

    private async Task<(JsonNode? Body, string? Failure, TimeSpan Elapsed)> AskAsync(string service, string path, CancellationToken ct)
    {
        var started = time.GetTimestamp();
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
            patience.CancelAfter(Patience);
            using var request = Request(service, path, auth.Value);
            using var http = clients.CreateClient(nameof(UpstreamHealth));
            using var response = await http.SendAsync(request, patience.Token);
            // Unhealthy is a 503 with a document; anything else that is no document is somebody else's page.
            var body = await JsonNode.ParseAsync(await response.Content.ReadAsStreamAsync(patience.Token), cancellationToken: patience.Token) as JsonObject;
            return body?.ContainsKey("code") == true
                ? (null, $"The {service} service refused: {(string?)body["detail"]}", time.GetElapsedTime(started))
                : (body, null, time.GetElapsedTime(started));
        }
        catch (Exception e) when (e is HttpRequestException or System.Text.Json.JsonException or IOException || e is OperationCanceledException && !ct.IsCancellationRequested)
        {
            return (null, $"The {service} service does not answer{(e is OperationCanceledException ? $" within {Patience.TotalSeconds} s" : "")}.", time.GetElapsedTime(started));
        }
    }

    internal static HttpRequestMessage Request(string service, string path, AuthOptions auth)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, $"http://{service}{path}");
        request.Options.Set(ServiceCalls.Once, true);
        if (!string.IsNullOrWhiteSpace(auth.ApiKey))
        {
            // One deployment, one key: the services check it as this door does.
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", auth.ApiKey);
        }

        return request;
    }
}

internal static class UpstreamComponents
{
    public static IReadOnlyList<ComponentHealth> Deserialize(this JsonNode components) =>
        System.Text.Json.JsonSerializer.Deserialize<List<ComponentHealth>>(components, WireJson.Lenient) ?? [];
}
