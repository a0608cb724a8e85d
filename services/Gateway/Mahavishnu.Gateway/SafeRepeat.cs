using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;

namespace Mahavishnu.Gateway;

/// <summary>Sends a read again that found nobody or was cut off before a byte of the answer, as the services do among each other: whoever is being started again is there a moment later.</summary>
internal static class SafeRepeat
{
    private static readonly TimeSpan[] Pauses = [TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(400), TimeSpan.FromMilliseconds(800)];

    public static async Task SendAsync(HttpContext context, RequestDelegate next)
    {
        var proxy = context.GetReverseProxyFeature();
        var all = proxy.AvailableDestinations;
        foreach (var pause in Pauses)
        {
            await next(context);
            if (!MayBeSentAgain(context))
            {
                return;
            }

            await Task.Delay(pause, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            context.Features.Set<IForwarderErrorFeature>(null);
            context.Response.Clear();
            // The one that was chosen is the one that failed; perhaps another replica is there.
            proxy.AvailableDestinations = all;
        }

        await next(context);
    }

    // Who took the connection and is slow is not asked twice: that is no HttpRequestException.
    private static bool MayBeSentAgain(HttpContext context) =>
        (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method))
        && context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != true
        && !context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested
        && context.Features.Get<IForwarderErrorFeature>() is { Error: ForwarderError.Request, Exception: HttpRequestException };
}
