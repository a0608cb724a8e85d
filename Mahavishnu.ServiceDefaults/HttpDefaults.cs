using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace Mahavishnu.ServiceDefaults;

/// <summary>What a caller of another service can say about its call.</summary>
public static class ServiceCalls
{
    /// <summary>Set to true on a request that must not be repeated: a question about health wants the answer of this moment.</summary>
    public static HttpRequestOptionsKey<bool> Once { get; } = new("Mahavishnu.Once");
}

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
                    ShouldHandle = arguments => ValueTask.FromResult(
                        arguments.Outcome.Exception is HttpRequestException
                        && arguments.Context.GetRequestMessage()?.Options.TryGetValue(ServiceCalls.Once, out var once) is not true),
                };
                retry.DisableForUnsafeHttpMethods();
                pipeline.AddRetry(retry);
            });
        });
    }
}
