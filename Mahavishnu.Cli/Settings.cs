using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.Logging.Console;

namespace Mahavishnu.Cli;

/// <summary>The settings as every service of this program reads them.</summary>
internal static class Settings
{
    /// <param name="urls">Addresses to listen on; null leaves it to the settings, by default port 8686 of this machine.</param>
    /// <param name="quiet">For a server that lives for one call: only what goes wrong is logged.</param>
    public static WebApplicationBuilder Load(string? urls = null, bool quiet = true)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = urls is null ? [] : [$"--urls={urls}"],
            ApplicationName = "mahavishnu-cli",
            // Not where the caller stands: another project's appsettings.json is none of ours.
            ContentRootPath = AppContext.BaseDirectory,
        });
        // Weakest of all, so that any setting wins.
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData =
            [
                // People read it, wherever it goes.
                new("Logging:Format", "text"),
                new("Logging:LogLevel:Default", quiet ? "Warning" : "Information"),
                new("Logging:LogLevel:Microsoft", "Warning"),
                new("Logging:LogLevel:Microsoft.Hosting.Lifetime", "Warning"),
                // Said by whoever asks for the health; each look would log it again.
                new("Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks", "None"),
                new("Logging:LogLevel:Npgsql", "Warning"),
                new("Logging:LogLevel:System.Net.Http", "Warning"),
            ],
        });
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true);
        // Standard output is for the verb's answer.
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.AddServiceDefaults(Resources.Gateway);
        return builder;
    }
}
