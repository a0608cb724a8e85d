using Mahavishnu.Contracts;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Mahavishnu.ServiceDefaults;

/// <summary>How the log looks on the console (<c>Logging:Format</c>): text for people, one JSON object a line for programs.</summary>
internal static class LogFormat
{
    public const string Key = "Logging:Format";
    public const string Json = "json";
    public const string Text = "text";

    /// <exception cref="SettingsException">The format is neither of the two.</exception>
    public static void Add(IHostApplicationBuilder builder)
    {
        // Whoever reads a pipe is a program; whoever says otherwise is heard.
        ((IConfigurationBuilder)builder.Configuration).Sources.Insert(0, new MemoryConfigurationSource { InitialData = [new(Key, Console.IsOutputRedirected ? Json : Text)] });
        switch (builder.Configuration[Key])
        {
            case Text:
                break;
            case Json:
                builder.Logging.AddConsoleFormatter<JsonLogLine, ConsoleFormatterOptions>();
                // Late, so that it wins over the format that a host has chosen for people.
                builder.Services.PostConfigure<ConsoleLoggerOptions>(console => console.FormatterName = JsonLogLine.FormatterName);
                break;
            case var other:
                throw new SettingsException($"{Key}: '{other}' is not one of {Json}, {Text}.");
        }
    }
}
