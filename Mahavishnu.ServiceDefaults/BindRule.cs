using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Mahavishnu.ServiceDefaults;

/// <summary>
/// No key, no network: an address that others can reach needs <c>Auth:ApiKey</c>. Asked of the configuration before the start, and of the
/// server once it listens, because code can open an address that no key names.
/// </summary>
internal sealed class BindRule(IConfiguration configuration, IServiceProvider services) : IValidateOptions<AuthOptions>
{
    public ValidateOptionsResult Validate(string? name, AuthOptions options)
    {
        var failures = Configured(configuration).Concat(Listening(services))
            .Where(a => !IsAddress(a.Address))
            .Select(a => $"{a.Key}: '{a.Address}' is not an address such as http://127.0.0.1:8686.")
            .ToList();
        if (failures.Count == 0 && !options.HasKey)
        {
            failures.AddRange(Configured(configuration).Concat(Listening(services)).Where(a => !IsLocal(a.Address)).Select(a => Explain(a.Key, a.Address)));
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures.Distinct(StringComparer.Ordinal));
    }

    /// <summary>Each address that configuration asks for, with the key that asks.</summary>
    internal static IEnumerable<(string Key, string Address)> Configured(IConfiguration configuration)
    {
        var urls = Split(configuration["urls"]);
        foreach (var url in urls)
        {
            yield return ("urls", url);
        }

        if (urls.Length == 0)
        {
            // The keys of container images: a port alone means every address.
            foreach (var (key, scheme) in new[] { ("http_ports", "http"), ("https_ports", "https") })
            {
                foreach (var port in Split(configuration[key]))
                {
                    yield return (key, $"{scheme}://*:{port}");
                }
            }
        }

        foreach (var endpoint in configuration.GetSection("Kestrel:Endpoints").GetChildren())
        {
            if (endpoint["Url"] is { Length: > 0 } url)
            {
                yield return ($"{endpoint.Path}:Url", url);
            }
        }
    }

    internal static IEnumerable<(string Key, string Address)> Listening(IServiceProvider services) =>
        (services.GetService(typeof(IServer)) as IServer)?.Features.Get<IServerAddressesFeature>()?.Addresses.Select(a => ("the server", a)) ?? [];

    internal static bool IsLocal(string url)
    {
        // http://127.0.0.1:0, http://localhost:80, http://[::1]:80, http://unix:/run/x.sock; but also http://*:80, http://+:80, http://my-machine:80.
        var address = BindingAddress.Parse(url);
        return address.IsUnixPipe || address.IsNamedPipe || HostRule.IsLoopback(address.Host);
    }

    private static bool IsAddress(string url)
    {
        try
        {
            return BindingAddress.Parse(url).Scheme is "http" or "https";
        }
        catch (FormatException)
        {
            return false;
        }
    }

    internal static string Explain(string key, string address) =>
        $"Auth:ApiKey is not set, and {key} asks to listen on {address}, which others can reach. Set Auth:ApiKey (environment: Auth__ApiKey), or listen on http://127.0.0.1:PORT.";

    private static string[] Split(string? value) => (value ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}

/// <summary>Asks <see cref="BindRule"/> again when the server listens; failing here ends the start.</summary>
internal sealed class BindCheck(IServiceProvider services, IOptions<AuthOptions> auth) : IHostedLifecycleService
{
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        var open = auth.Value.HasKey ? [] : BindRule.Listening(services).Where(a => !BindRule.IsLocal(a.Address)).ToList();
        return open.Count == 0
            ? Task.CompletedTask
            : throw new OptionsValidationException(Options.DefaultName, typeof(AuthOptions), open.Select(a => BindRule.Explain(a.Key, a.Address)));
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
