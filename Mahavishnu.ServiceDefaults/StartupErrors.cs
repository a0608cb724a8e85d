using System.Net.Sockets;
using System.Reflection;
using System.Text.RegularExpressions;
using Mahavishnu.Contracts;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mahavishnu.ServiceDefaults;

/// <summary>Tells a mistake in the settings from a bug: the first is a line on stderr that names the key, the second a stack trace.</summary>
public static partial class StartupErrors
{
    private const string HostCategory = "Microsoft.Extensions.Hosting.Internal.Host";

    /// <returns>One line for each mistake, or null if <paramref name="exception"/> is nothing a person can mend in the settings.</returns>
    public static IReadOnlyList<string>? Describe(Exception exception)
    {
        var lines = new List<string>();
        return Collect(exception, lines) ? lines : null;
    }

    private static bool Collect(Exception exception, List<string> lines)
    {
        switch (exception)
        {
            case OptionsValidationException validation:
                lines.AddRange(validation.Failures.Select(f => NameKey(f, validation.OptionsType)));
                return true;
            case SettingsException:
                lines.Add(exception.Message);
                return true;
            case AggregateException { InnerExceptions.Count: > 0 } all:
                return all.InnerExceptions.All(e => Collect(e, lines));
            // "Failed to bind to address http://127.0.0.1:8686: address already in use."
            case IOException { InnerException: AddressInUseException }:
                lines.Add($"{exception.Message.TrimEnd('.')}. Choose another with --urls http://127.0.0.1:PORT.");
                return true;
            case SocketException { SocketErrorCode: SocketError.AccessDenied or SocketError.AddressNotAvailable or SocketError.HostNotFound }:
                lines.Add($"urls: cannot listen there: {exception.Message}.");
                return true;
            // "Failed to convert configuration value 'abc' at 'Edge:MaxBodyBytes' to type 'System.Int64'."
            case InvalidOperationException when exception.Message.StartsWith("Failed to convert configuration value", StringComparison.Ordinal):
                lines.Add(Unconvertible(exception.Message));
                return true;
            default:
                return false;
        }
    }

    /// <summary>
    /// Generated validators speak of types: "MaxBodyBytes: The field EdgeOptions.MaxBodyBytes must be between 1 and 9." A person has keys:
    /// "Edge:MaxBodyBytes must be between 1 and 9."
    /// </summary>
    internal static string NameKey(string failure, Type options)
    {
        if (options.GetField("Section", BindingFlags.Public | BindingFlags.Static)?.GetRawConstantValue() is not string section
            || Failure().Match(failure) is not { Success: true } match
            || options.GetProperty(match.Groups["member"].Value.Split('.', '[')[0]) is null)
        {
            return failure;
        }

        var (member, rest) = (match.Groups["member"].Value, match.Groups["rest"].Value);
        var key = $"{section}:{member.Replace('.', ':')}";
        return rest.StartsWith(key, StringComparison.Ordinal) ? rest
            : Field().Match(rest) is { Success: true } field ? $"{key} {field.Groups["says"].Value}"
            : $"{key} {rest}";
    }

    [GeneratedRegex(@"^(?<member>[\w.\[\]]+): (?<rest>.+)$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Failure();

    // "The field X.Y must be …", "The X.Y field is required."
    [GeneratedRegex(@"^The (field )?\w+\.[\w.\[\]]+ (field )?(?<says>.+)$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Field();

    private static string Unconvertible(string message)
    {
        var quoted = message.Split('\'');
        return quoted.Length >= 6 ? $"{quoted[3]}: '{quoted[1]}' is not {SettingKeys.Find(quoted[3])?.Allowed ?? TypeWord(quoted[5])}." : message;
    }

    private static string TypeWord(string type) => type switch
    {
        "System.Int32" or "System.Int64" => "a whole number",
        "System.Double" or "System.Single" or "System.Decimal" => "a number",
        "System.Boolean" => "true or false",
        "System.TimeSpan" => "a time span such as 00:00:30",
        "System.Uri" => "a URL",
        _ => type,
    };

    /// <summary>Keeps the host from logging a stack trace for what <see cref="Describe"/> is about to say in a line. What runs later is logged as ever.</summary>
    internal static void QuietenHost(IHostApplicationBuilder builder)
    {
        var start = new StartPhase();
        builder.Services.AddSingleton(start);
        builder.Logging.AddFilter(HostCategory, level => level >= LogLevel.Information && (start.Over || level < LogLevel.Error));
    }
}

/// <summary>Whether the start is behind us.</summary>
internal sealed class StartPhase
{
    private volatile bool _over;

    public bool Over => _over;

    public void End() => _over = true;
}
