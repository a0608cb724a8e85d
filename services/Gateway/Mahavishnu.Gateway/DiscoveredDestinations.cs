using System.Net;
using Microsoft.Extensions.Primitives;
using Microsoft.Extensions.ServiceDiscovery;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.ServiceDiscovery;

namespace Mahavishnu.Gateway;

/// <summary>Turns the proxy's <c>http://ingest</c> into the addresses that service discovery knows, and again when they change.</summary>
internal sealed class DiscoveredDestinations(ServiceEndpointResolver resolver) : IDestinationResolver
{
    public async ValueTask<ResolvedDestinationCollection> ResolveDestinationsAsync(IReadOnlyDictionary<string, DestinationConfig> destinations, CancellationToken cancellationToken)
    {
        var resolved = new Dictionary<string, DestinationConfig>(StringComparer.Ordinal);
        var changes = new List<IChangeToken>();
        foreach (var (name, destination) in destinations)
        {
            var source = await resolver.GetEndpointsAsync(destination.Address, cancellationToken);
            changes.Add(source.ChangeToken);
            foreach (var endpoint in source.Endpoints)
            {
                var address = Address(endpoint.EndPoint);
                resolved[$"{name}/{address}"] = destination with { Address = address };
            }
        }

        return new ResolvedDestinationCollection(resolved, new CompositeChangeToken(changes));
    }

    internal static string Address(EndPoint endpoint) => endpoint switch
    {
        // services:ingest:http:0 = http://127.0.0.1:8687 arrives whole.
        UriEndPoint uri => uri.Uri.GetLeftPart(UriPartial.Authority),
        // A name without an address of its own is left to DNS.
        DnsEndPoint dns => new UriBuilder(Uri.UriSchemeHttp, dns.Host, dns.Port > 0 ? dns.Port : -1).Uri.GetLeftPart(UriPartial.Authority),
        IPEndPoint ip => new UriBuilder(Uri.UriSchemeHttp, ip.Address.ToString(), ip.Port > 0 ? ip.Port : -1).Uri.GetLeftPart(UriPartial.Authority),
        _ => $"http://{endpoint}",
    };
}
