using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.LoadBalancing;

namespace Mahavishnu.Gateway;

/// <summary>The table of <see cref="Contracts.Resources.Routes"/> as the proxy reads it.</summary>
internal static class ProxyMap
{
    /// <summary>Clusters of streams end with it.</summary>
    private const string Events = "-events";

    public static IEnumerable<string> Services => Resources.Routes.Values.Distinct(StringComparer.Ordinal);

    public static string ServiceOf(string cluster) => cluster.EndsWith(Events, StringComparison.Ordinal) ? cluster[..^Events.Length] : cluster;

    public static IReadOnlyList<RouteConfig> Routes(EdgeOptions edge) =>
        [.. Resources.Routes.SelectMany(r => Of(r.Key, r.Value, edge))];

    private static IEnumerable<RouteConfig> Of(string resource, string service, EdgeOptions edge)
    {
        var path = $"{Resources.Api}/{resource}";
        // /memories, /memories/{id}, /memories/{id}:restore, /memories/{id}/history
        yield return Route(resource, service, $"{path}/{{**rest}}", edge.MaxBodyBytes);
        // /memories:batch is one segment, which a catch-all behind a slash does not see.
        yield return Route($"{resource}:action", service, $"{path}:{{action}}", Math.Max(edge.MaxBodyBytes, RequestLimits.Batch));
        yield return Route($"{resource}:events", service + Events, $"{path}/{{id}}/events", edge.MaxBodyBytes);
    }

    private static RouteConfig Route(string id, string cluster, string path, long maxBody) =>
        new() { RouteId = id, ClusterId = cluster, Match = new RouteMatch { Path = path }, MaxRequestBodySize = maxBody };

    public static IReadOnlyList<ClusterConfig> Clusters(GatewayOptions options) =>
        [.. Services.SelectMany(s => new[]
        {
            Cluster(s, s, options, TimeSpan.FromSeconds(options.ActivityTimeoutSeconds)),
            // An operation may say nothing for long; the client decides how long it listens.
            Cluster(s + Events, s, options, Timeout.InfiniteTimeSpan),
        })];

    private static ClusterConfig Cluster(string id, string service, GatewayOptions options, TimeSpan activityTimeout) => new()
    {
        ClusterId = id,
        LoadBalancingPolicy = LoadBalancingPolicies.PowerOfTwoChoices,
        // A name, not an address: who answers to it is configuration (services:ingest:http:0) or DNS.
        Destinations = new Dictionary<string, DestinationConfig>(StringComparer.Ordinal) { [service] = new() { Address = $"http://{service}" } },
        HttpRequest = new ForwarderRequestConfig { ActivityTimeout = activityTimeout },
        HealthCheck = new HealthCheckConfig
        {
            Active = new ActiveHealthCheckConfig
            {
                Enabled = true,
                Path = HealthRoutes.Ready,
                Interval = TimeSpan.FromSeconds(options.ProbeIntervalSeconds),
                Timeout = TimeSpan.FromSeconds(5),
                Policy = HealthCheckConstants.ActivePolicy.ConsecutiveFailures,
            },
            // With every replica unready, the service's own problem document says more than one of ours.
            AvailableDestinationsPolicy = HealthCheckConstants.AvailableDestinations.HealthyOrPanic,
        },
    };
}
