using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Mahavishnu.ServiceDefaults;

/// <summary>Runs a service from its arguments to its exit code.</summary>
public static class ServiceHost
{
    /// <summary>Builds, starts, waits for the end, and stops.</summary>
    /// <param name="service">A name of <see cref="Contracts.Resources"/>.</param>
    /// <param name="add">What the service consists of; <see cref="ServiceDefaultsExtensions.AddServiceDefaults"/> has been called.</param>
    /// <param name="map">What it serves; the pipeline is there.</param>
    /// <returns>0, or 1 after a mistake in the settings, which is written to stderr.</returns>
    public static Task<int> RunAsync(string[] args, string service, Action<WebApplicationBuilder> add, Action<WebApplication> map) =>
        ReportAsync(async () =>
        {
            var builder = WebApplication.CreateBuilder(args);
            builder.AddServiceDefaults(service);
            add(builder);
            var app = builder.Build();
            try
            {
                app.UseServiceDefaults();
                map(app);
                // Ctrl+C and SIGTERM are the host's own: they end the wait, and a token of ours would cut the start short.
                await app.StartServiceAsync(CancellationToken.None);
                await app.WaitForShutdownAsync(CancellationToken.None);
                return 0;
            }
            finally
            {
                await Stopping.CloseAsync(app);
            }
        });

    /// <summary>Starts after all settings have been checked.</summary>
    /// <exception cref="OptionsValidationException">A setting is wrong (also inside an <see cref="AggregateException"/>); nothing was started.</exception>
    public static async Task StartServiceAsync(this WebApplication app, CancellationToken ct = default)
    {
        app.Services.GetService<IStartupValidator>()?.Validate();
        await app.StartAsync(ct);
        app.Services.GetRequiredService<StartPhase>().End();
    }

    /// <summary>Runs <paramref name="main"/>; a mistake in the settings becomes lines on stderr and exit code 1.</summary>
    public static async Task<int> ReportAsync(Func<Task<int>> main)
    {
        try
        {
            return await main();
        }
        catch (Exception e) when (StartupErrors.Describe(e) is { } lines)
        {
            foreach (var line in lines)
            {
                await Console.Error.WriteLineAsync(line);
            }

            return 1;
        }
    }
}
