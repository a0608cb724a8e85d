using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Forwarder;

namespace Mahavishnu.Gateway;

/// <summary>The proxy's connections: a service that does not take one soon is down, however patient the call is afterwards.</summary>
internal sealed class UpstreamConnections(IOptions<GatewayOptions> options, ILogger<ForwarderHttpClientFactory> logger) : ForwarderHttpClientFactory(logger)
{
    protected override void ConfigureHandler(ForwarderHttpClientContext context, SocketsHttpHandler handler)
    {
        base.ConfigureHandler(context, handler);
        handler.ConnectTimeout = TimeSpan.FromSeconds(options.Value.ConnectTimeoutSeconds);
    }
}
