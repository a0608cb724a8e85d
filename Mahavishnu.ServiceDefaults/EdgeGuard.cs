using System.Security.Cryptography;
using System.Text;
using Mahavishnu.Contracts;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Mahavishnu.ServiceDefaults;

/// <summary>The door of every server: Host, Origin, key, in that order. What it refuses never reaches a route.</summary>
internal sealed class EdgeGuard(RequestDelegate next, IProblemDetailsService problems, IOptions<AuthOptions> auth, IOptions<EdgeOptions> edge)
{
    private readonly byte[]? _key = auth.Value.HasKey ? SHA256.HashData(Encoding.UTF8.GetBytes(auth.Value.ApiKey!)) : null;
    private readonly string[] _allowed = [.. edge.Value.AllowedHosts];

    public Task InvokeAsync(HttpContext context)
    {
        // An orchestrator's probe names the container by its address. It may, where a key protects all the rest.
        if (_key is not null && HealthRoutes.IsProbe(context.Request.Path))
        {
            return next(context);
        }

        if (!HostRule.Allows(context.Request.Host.Host, _allowed))
        {
            return RefuseAsync(context, StatusCodes.Status403Forbidden, ErrorCodes.ForbiddenOrigin,
                $"This server does not answer to the host '{context.Request.Host.Host}'. Add it to Edge:AllowedHosts if it should.");
        }

        if (context.Request.Headers.Origin is { Count: > 0 } origin && !AllowsOrigin(origin))
        {
            return RefuseAsync(context, StatusCodes.Status403Forbidden, ErrorCodes.ForbiddenOrigin,
                $"This server does not answer to pages of '{origin}'. Add its host to Edge:AllowedHosts if it should.");
        }

        return _key is null || IsKey(context.Request.Headers.Authorization) ? next(context) : UnauthorizedAsync(context);
    }

    private bool AllowsOrigin(StringValues origins)
    {
        // Exactly one; a page without an origin of its own (a file, a sandboxed frame) says "null" and is refused.
        return origins.Count == 1 && Uri.TryCreate(origins[0], UriKind.Absolute, out var uri)
            && uri.Scheme is "http" or "https" && HostRule.Allows(uri.Host, _allowed);
    }

    private bool IsKey(StringValues authorization)
    {
        const string Bearer = "Bearer ";
        return authorization.Count == 1 && authorization[0]!.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
            // Hashes have one length, so the time taken tells neither how long the key is nor how much of it was right.
            && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(authorization[0]![Bearer.Length..].Trim())), _key!);
    }

    private Task UnauthorizedAsync(HttpContext context)
    {
        var given = context.Request.Headers.Authorization.Count > 0;
        context.Response.Headers.WWWAuthenticate = given ? "Bearer realm=\"mahavishnu\", error=\"invalid_token\"" : "Bearer realm=\"mahavishnu\"";
        return RefuseAsync(context, StatusCodes.Status401Unauthorized, ErrorCodes.Unauthorized,
            given ? "The API key is not valid." : "An API key is needed: Authorization: Bearer KEY.");
    }

    private Task RefuseAsync(HttpContext context, int status, string code, string detail)
    {
        context.Response.StatusCode = status;
        return problems.WriteAsync(new ProblemDetailsContext { HttpContext = context, ProblemDetails = Problems.Details(status, code, detail) }).AsTask();
    }
}
