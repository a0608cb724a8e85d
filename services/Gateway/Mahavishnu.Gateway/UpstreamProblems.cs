using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Yarp.ReverseProxy.Forwarder;

namespace Mahavishnu.Gateway;

/// <summary>Says which service did not answer, where the proxy would send an empty 502.</summary>
internal static partial class UpstreamProblems
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

    public static async Task ExplainAsync(HttpContext context, RequestDelegate next)
    {
        await next(context);

        if (context.Response.HasStarted || context.RequestAborted.IsCancellationRequested || context.Features.Get<IForwarderErrorFeature>() is not { } failure)
        {
            return;
        }

        var service = ProxyMap.ServiceOf(context.GetReverseProxyFeature().Cluster.Config.ClusterId);
        if (Refused(failure.Exception) is { } refused)
        {
            // The caller's body, not the service: too large, or cut off. The exception handler knows these.
            context.Response.Clear();
            throw new BadHttpRequestException(refused.Message, refused.StatusCode, refused);
        }

        Failed(context.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(UpstreamProblems)), service, failure.Error, failure.Exception?.Message);
        var (status, what) = failure.Error switch
        {
            ForwarderError.NoAvailableDestinations => (StatusCodes.Status503ServiceUnavailable, "has no address that answers"),
            ForwarderError.RequestTimedOut => (StatusCodes.Status504GatewayTimeout, "did not answer in time"),
            _ => (StatusCodes.Status502BadGateway, "does not answer"),
        };
        var problem = Problems.Unavailable(RetryAfter, ErrorCodes.UpstreamUnavailable, $"The {service} service {what}. Ask again.").ProblemDetails;
        problem.Status = status;
        problem.Title = null;
        problem.Extensions["service"] = service;
        await context.RequestServices.GetRequiredService<IProblemDetailsService>().WriteAsync(new ProblemDetailsContext { HttpContext = context, ProblemDetails = problem });
    }

    /// <summary>The proxy reads the caller's body while it sends; what the server says of that body arrives wrapped.</summary>
    private static BadHttpRequestException? Refused(Exception? exception) => exception switch
    {
        BadHttpRequestException refused => refused,
        AggregateException all => all.InnerExceptions.Select(Refused).FirstOrDefault(e => e is not null),
        _ => exception?.InnerException is { } inner ? Refused(inner) : null,
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "The {Service} service did not answer: {Error} {Reason}")]
    private static partial void Failed(ILogger logger, string service, ForwarderError error, string? reason);
}
