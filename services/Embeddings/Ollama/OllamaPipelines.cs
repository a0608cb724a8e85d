using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;

namespace Mahavishnu.Embeddings;

/// <summary>How one server is called: documents and questions each with a limit of their own, over one circuit and one way to repeat.</summary>
internal sealed class OllamaPipelines
{
    // A fault now and then is what repetition is for; the circuit is for a server that is gone.
    private const int CallsToOpen = 5;
    private const double ShareToOpen = 0.5;
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    // What a model is can be said at once; computing may mean loading it first.
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(15);

    public OllamaPipelines(OllamaOptions options, EmbeddingTelemetry telemetry, TimeProvider time)
    {
        // One circuit over all calls: it is the server that is gone, not a kind of call.
        var circuit = Builder().AddCircuitBreaker(new CircuitBreakerStrategyOptions
        {
            ShouldHandle = static outcome => ValueTask.FromResult(outcome.Outcome.Exception is { } e && (OllamaErrors.IsPassing(e) || OllamaErrors.IsTooLate(e))),
            FailureRatio = ShareToOpen,
            MinimumThroughput = CallsToOpen,
            SamplingDuration = Watched,
            BreakDuration = TimeSpan.FromSeconds(options.BreakSeconds),
            OnOpened = _ =>
            {
                telemetry.CircuitOpened();
                return default;
            },
        }).Build();
        var timeout = TimeSpan.FromSeconds(options.TimeoutSeconds);
        Asking = Calls(timeout < AnswerTime ? timeout : AnswerTime).Build();
        Documents = Limited(options.Concurrency);
        Questions = Limited(options.QuestionConcurrency);

        // The limit is outside: who waits to repeat keeps its place, so that a server in trouble gets no more at once than ever.
        ResiliencePipeline Limited(int calls) => Builder().AddConcurrencyLimiter(calls, int.MaxValue).AddPipeline(Calls(timeout).Build()).Build();

        ResiliencePipelineBuilder Calls(TimeSpan within)
        {
            var calls = Builder();
            if (options.Retries > 0)
            {
                calls.AddRetry(new RetryStrategyOptions
                {
                    // Not what took too long: it would again, and others wait.
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

            return calls.AddPipeline(circuit).AddTimeout(within);
        }

        ResiliencePipelineBuilder Builder() => new() { TimeProvider = time };
    }

    public ResiliencePipeline Documents { get; }

    public ResiliencePipeline Questions { get; }

    /// <summary>What a model is, whether it is still the same: quick calls that take no one's place.</summary>
    public ResiliencePipeline Asking { get; }
}
