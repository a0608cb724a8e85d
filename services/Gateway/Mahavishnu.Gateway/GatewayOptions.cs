using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Gateway;

/// <summary>How the door treats what is behind it: <c>Gateway:…</c>.</summary>
internal sealed class GatewayOptions
{
    public const string Section = "Gateway";

    /// <summary>Seconds without a byte in either direction after which a call ends with 504. Streams of events have no such limit.</summary>
    [Range(1, 86_400)] public int ActivityTimeoutSeconds { get; set; } = 300;

    /// <summary>Seconds to wait for a connection to a service.</summary>
    [Range(1, 300)] public int ConnectTimeoutSeconds { get; set; } = 5;

    /// <summary>Seconds between two looks at a service's <c>/health/ready</c>.</summary>
    [Range(1, 3_600)] public int ProbeIntervalSeconds { get; set; } = 10;

    /// <summary>Seconds that the merged OpenAPI document is kept.</summary>
    [Range(0, 3_600)] public int DocumentSeconds { get; set; } = 30;
}

[OptionsValidator]
internal sealed partial class GatewayOptionsValidator : IValidateOptions<GatewayOptions>;
