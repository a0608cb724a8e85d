using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Mahavishnu.ServiceDefaults;

/// <summary>
/// How a process ends after SIGTERM, whatever hangs: Docker kills it after 10 s, and what is still claimed then waits for its lease. Requests under way
/// are answered and workers give back what they hold, side by side, within <see cref="Work"/>; then telemetry is sent and everything closed, a moment each.
/// </summary>
public static class Stopping
{
    private static readonly TimeSpan Work = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Telemetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Closing = TimeSpan.FromSeconds(1);

    /// <summary>Disposes of a host that has stopped. What hangs there (an exporter in the middle of a call holds on to its meters for 10 s) ends with the process.</summary>
    public static Task CloseAsync(IAsyncDisposable host) =>
        Task.Run(async () => await host.DisposeAsync(), CancellationToken.None).WaitAsync(Closing, CancellationToken.None).ContinueWith(
            _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    internal static void Add(IServiceCollection services)
    {
        services.Configure<HostOptions>(host =>
        {
            host.ShutdownTimeout = Work;
            // One after the other, a request that does not end would use up the time of the workers behind it.
            host.ServicesStopConcurrently = true;
        });
        services.AddHostedService<TelemetryFlush>();
    }

    /// <summary>Sends what is left once everybody has stopped. The container would wait 5 s each for traces, metrics and logs where the collector does not answer.</summary>
    private sealed class TelemetryFlush(IServiceProvider services) : IHostedLifecycleService
    {
        // Sooner than the end of it all, so that what is broken off can still be closed.
        private static readonly int Patience = (int)(Telemetry * 0.75).TotalMilliseconds;

        private bool _ended;

        public Task StoppedAsync(CancellationToken cancellationToken)
        {
            // A host may be stopped again after it has been disposed of.
            if (_ended)
            {
                return Task.CompletedTask;
            }

            _ended = true;
            var ends = Task.WhenAll(
                End<TracerProvider>(p => p.Shutdown(Patience)),
                End<MeterProvider>(p => p.Shutdown(Patience)),
                End<LoggerProvider>(p => p.Shutdown(Patience)));
            // A call under way is not always broken off in that time.
            return Task.WhenAny(ends, Task.Delay(Telemetry, CancellationToken.None));
        }

        private Task End<T>(Func<T, bool> shutdown) where T : class, IDisposable => Task.Run(
            () =>
            {
                if (services.GetService<T>() is { } provider)
                {
                    shutdown(provider);
                    provider.Dispose();
                }
            },
            CancellationToken.None);

        public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
