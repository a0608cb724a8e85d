using System.Net;
using Mahavishnu.Contracts;

namespace Mahavishnu.ServiceDefaults;

/// <summary>Decides which names this server answers to, in <c>Host</c> and in <c>Origin</c>.</summary>
internal static class HostRule
{
    // How the services call each other inside a deployment (http://ingest). No page can be served from these names.
    private static readonly string[] OwnNames = [Resources.Gateway, Resources.Ingest, Resources.Search, Resources.Migration];

    /// <param name="host">A name or address without port; IPv6 with or without its brackets.</param>
    public static bool Allows(string host, IEnumerable<string> allowed)
    {
        var name = host.TrimEnd('.');
        return IsLoopback(name)
            || OwnNames.Contains(name, StringComparer.OrdinalIgnoreCase)
            || allowed.Any(pattern => Matches(name, pattern));
    }

    /// <summary>localhost, its sub-names (which browsers resolve to loopback themselves), 127.0.0.0/8 and ::1.</summary>
    public static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address);

    private static bool Matches(string name, string pattern) =>
        pattern == "*"
        || name.Equals(pattern.Trim('[', ']'), StringComparison.OrdinalIgnoreCase)
        || name.Trim('[', ']').Equals(pattern.Trim('[', ']'), StringComparison.OrdinalIgnoreCase)
        || pattern.StartsWith("*.", StringComparison.Ordinal) && name.EndsWith(pattern[1..], StringComparison.OrdinalIgnoreCase);
}
