using System.Text.Json;
using System.Text.Json.Nodes;
using Mahavishnu.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Gateway;

/// <summary>The OpenAPI document of all services, fetched from them and kept for a short while.</summary>
internal sealed class MergedDocument(IHttpClientFactory clients, IOptions<AuthOptions> auth, IOptions<GatewayOptions> options, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly SemaphoreSlim _one = new(1, 1);
    private (JsonObject Document, DateTimeOffset Until)? _kept;

    public async Task<JsonObject> GetAsync(CancellationToken ct)
    {
        if (_kept is { } kept && kept.Until > time.GetUtcNow())
        {
            return kept.Document;
        }

        await _one.WaitAsync(ct);
        try
        {
            if (_kept is { } fresh && fresh.Until > time.GetUtcNow())
            {
                return fresh.Document;
            }

            var documents = await Task.WhenAll(ProxyMap.Services.Select(async s => (s, await FetchAsync(s, ct))));
            var merged = DocumentMerge.Merge(documents);
            // A document with a hole in it is asked for again at once: the service may be starting.
            _kept = merged.ContainsKey("x-unavailable") ? null : (merged, time.GetUtcNow().AddSeconds(options.Value.DocumentSeconds));
            return merged;
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private async Task<JsonObject?> FetchAsync(string service, CancellationToken ct)
    {
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
            patience.CancelAfter(Patience);
            using var request = UpstreamHealth.Request(service, ApiDocument.Path, auth.Value);
            using var http = clients.CreateClient(nameof(MergedDocument));
            using var response = await http.SendAsync(request, patience.Token);
            response.EnsureSuccessStatusCode();
            return await JsonNode.ParseAsync(await response.Content.ReadAsStreamAsync(patience.Token), cancellationToken: patience.Token) as JsonObject;
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or IOException || e is OperationCanceledException && !ct.IsCancellationRequested)
        {
            return null;
        }
    }
}
