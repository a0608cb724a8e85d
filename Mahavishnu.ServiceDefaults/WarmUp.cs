using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.ServiceDefaults;

/// <summary>What must have worked once before <c>/health/ready</c> says so: connections opened, first statements planned, models loaded.</summary>
public static class WarmUps
{
    /// <summary>Runs <paramref name="work"/> after the start, again until it succeeds. Named in <c>/health/ready</c> until then.</summary>
    public static IServiceCollection AddWarmUp(this IServiceCollection services, string name, Func<IServiceProvider, CancellationToken, Task> work)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return services.AddSingleton(new WarmUp(name, work));
    }
}

internal sealed record WarmUp(string Name, Func<IServiceProvider, CancellationToken, Task> Work);

/// <summary>What is still to be done before this process is ready; thread-safe.</summary>
internal sealed class WarmUpState(IEnumerable<WarmUp> warmUps)
{
    private readonly ConcurrentDictionary<string, string> _pending =
        new(warmUps.Select(w => KeyValuePair.Create(w.Name, "not yet")), StringComparer.Ordinal);

    /// <summary>As it is now: a copy, as warm-ups end while it is being read.</summary>
    public IReadOnlyCollection<KeyValuePair<string, string>> Pending => _pending.ToArray();

    public void Done(string name) => _pending.TryRemove(name, out _);

    public void Failed(string name, Exception exception) => _pending[name] = $"failed ({exception.GetType().Name}), trying again";
}

/// <summary>Runs the warm-ups side by side, each until it works.</summary>
internal sealed partial class WarmUpWorker(IEnumerable<WarmUp> warmUps, WarmUpState state, IServiceProvider services, TimeProvider time, ILogger<WarmUpWorker> logger) : BackgroundService
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(warmUps.Select(w => RunAsync(w, stoppingToken)));

    private async Task RunAsync(WarmUp warmUp, CancellationToken ct)
    {
        for (var pause = TimeSpan.FromMilliseconds(250); ; pause = pause * 2 > Longest ? Longest : pause * 2)
        {
            try
            {
                await using var scope = services.CreateAsyncScope();
                await warmUp.Work(scope.ServiceProvider, ct);
                state.Done(warmUp.Name);
                return;
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (ObjectDisposedException)
            {
                // The host is gone: its start failed, and nobody told the workers to stop.
                return;
            }
            catch (Exception e)
            {
                // Whatever it was, the server stays up and says that it is not ready: an orchestrator that restarts it would help nobody.
                state.Failed(warmUp.Name, e);
                Failed(logger, warmUp.Name, e.Message);
            }

            await Task.Delay(pause, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Warm-up of {Name} failed, trying again: {Reason}")]
    private static partial void Failed(ILogger logger, string name, string reason);
}

/// <summary>Ready only between the end of the start and the beginning of the stop.</summary>
internal sealed class StartupCheck(IHostApplicationLifetime lifetime, WarmUpState state) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(
            lifetime.ApplicationStopping.IsCancellationRequested ? HealthCheckResult.Unhealthy("The server is stopping.")
            : !lifetime.ApplicationStarted.IsCancellationRequested ? HealthCheckResult.Unhealthy("The server is starting.")
            : state.Pending is { Count: > 0 } pending ? HealthCheckResult.Unhealthy($"Warming up: {string.Join(", ", pending.Select(p => $"{p.Key} {p.Value}"))}.")
            : HealthCheckResult.Healthy("Warm."));
}
