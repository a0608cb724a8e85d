using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace Mahavishnu.ServiceDefaults;

/// <summary>
/// How services call each other: by name, and again when a call that changes nothing failed on the way. The standard handler is not used: it
/// repeats POSTs, cuts an attempt after 10 s (a batch takes longer) and lets 1,000 calls through at once.
/// </summary>
internal static class HttpDefaults
{
    public static void Add(IServiceCollection services)
    {
        services.AddServiceDiscovery();
        services.ConfigureHttpClientDefaults(http =>
        {
            http.AddServiceDiscovery();
            http.AddResilienceHandler("safe-retry", pipeline =>
            {
                var retry = new HttpRetryStrategyOptions
                {
                    MaxRetryAttempts = 3,
                    Delay = TimeSpan.FromMilliseconds(200),
                    MaxDelay = TimeSpan.FromSeconds(2),
                    BackoffType = DelayBackoffType.Exponential,
                    UseJitter = true,
                    // Only what never reached an answer. A 503 is one: it says how long to wait, which is the caller's to decide.
                    ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is HttpRequestException),
                };
                retry.DisableForUnsafeHttpMethods();
                pipeline.AddRetry(retry);
            });
        });
    }
}
