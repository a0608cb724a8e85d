using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;

namespace Mahavishnu.Embeddings;

/// <summary>How one server is called: documents and questions each with a limit of their own, over one circuit and one way to repeat.</summary>
internal sealed class OllamaPipelines
{
    // A fault now and then is what repetition is for; the circuit is for a server that is gone.
    private const int CallsToOpen = 5;
    private const double ShareToOpen = 0.9;
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    public OllamaPipelines(OllamaOptions options, EmbeddingTelemetry telemetry, TimeProvider time)
    {
        var shared = new ResiliencePipelineBuilder { TimeProvider = time };
        if (options.Retries > 0)
        {
            shared.AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = static outcome => ValueTask.FromResult(outcome.Outcome.Exception is { } e && OllamaErrors.IsPassing(e)),
                MaxRetryAttempts = options.Retries,
                Delay = TimeSpan.FromSeconds(options.RetrySeconds),
                MaxDelay = LongestWait,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                OnRetry = _ =>
                {
                    telemetry.Repeated();
                    return default;
                },
            });
        }

        shared.AddCircuitBreaker(new CircuitBreakerStrategyOptions
        {
            ShouldHandle = static outcome => ValueTask.FromResult(outcome.Outcome.Exception is { } e && OllamaErrors.IsPassing(e)),
            FailureRatio = ShareToOpen,
            MinimumThroughput = CallsToOpen,
            SamplingDuration = Watched,
            BreakDuration = TimeSpan.FromSeconds(options.BreakSeconds),
            OnOpened = _ =>
            {
                telemetry.CircuitOpened();
                return default;
            },
        });
        shared.AddTimeout(TimeSpan.FromSeconds(options.TimeoutSeconds));
        Asking = shared.Build();
        Documents = Limited(options.Concurrency);
        Questions = Limited(options.QuestionConcurrency);

        // The limit is outside: who waits to repeat keeps its place, so that a server in trouble gets no more at once than ever.
        ResiliencePipeline Limited(int calls) =>
            new ResiliencePipelineBuilder { TimeProvider = time }.AddConcurrencyLimiter(calls, int.MaxValue).AddPipeline(Asking).Build();
    }

    public ResiliencePipeline Documents { get; }

    public ResiliencePipeline Questions { get; }

    /// <summary>What a model is, whether it is still the same: quick calls that take no one's place.</summary>
    public ResiliencePipeline Asking { get; }
}
