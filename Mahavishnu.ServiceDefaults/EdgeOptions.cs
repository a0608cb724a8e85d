using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mahavishnu.ServiceDefaults;

/// <summary>Who may call: <c>Auth:…</c>.</summary>
public sealed class AuthOptions
{
    public const string Section = "Auth";

    /// <summary>
    /// When set, every route but the two probes needs <c>Authorization: Bearer KEY</c>. Needed to listen on anything but a loopback address.
    /// Blank is the same as absent, so that an empty environment variable opens nothing.
    /// </summary>
    [StringLength(4_096)]
    [RegularExpression(@"[\x21-\x7E]+|\s*", ErrorMessage = "must be visible ASCII without spaces; it travels in a header.")]
    public string? ApiKey { get; set; }

    internal bool HasKey => !string.IsNullOrWhiteSpace(ApiKey);
}

/// <summary>What the HTTP door lets in: <c>Edge:…</c>.</summary>
public sealed class EdgeOptions
{
    public const string Section = "Edge";

    /// <summary>
    /// Names in <c>Host</c> and <c>Origin</c> that are answered besides loopback: <c>memory.example.com</c>, <c>*.example.com</c>, or <c>*</c> for any.
    /// Without the check a web page could reach a local server through a name that resolves to 127.0.0.1.
    /// </summary>
    public IList<string> AllowedHosts { get; } = [];

    /// <summary>Bytes of one request body; routes that take batches allow <see cref="RequestLimits.Batch"/>.</summary>
    [Range(1_024, 1_073_741_824)]
    public long MaxBodyBytes { get; set; } = 32L << 20;
}

[OptionsValidator]
internal sealed partial class AuthOptionsValidator : IValidateOptions<AuthOptions>;

[OptionsValidator]
internal sealed partial class EdgeOptionsValidator : IValidateOptions<EdgeOptions>;

/// <summary>Sizes that services and the gateway must agree on.</summary>
public static class RequestLimits
{
    /// <summary>Bytes of one <c>:batch</c> body.</summary>
    public const long Batch = 64L << 20;
}
