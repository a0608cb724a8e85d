using System.CommandLine;
using System.Net.Http.Headers;
using System.Text.Json;
using Mahavishnu.ServiceDefaults;

namespace Mahavishnu.Cli;

/// <summary>The service a verb talks to: the one that was named, or the one that runs on this machine, or else one in this process until the verb is done.</summary>
internal sealed class ServiceConnection : IAsyncDisposable
{
    private static readonly Uri Live = new(HealthRoutes.Live, UriKind.Relative);

    private readonly AllInOne? _own;

    private ServiceConnection(ServiceAddress address, AllInOne? own)
    {
        Address = address;
        _own = own;
        Http = CreateClient(address);
    }

    public ServiceAddress Address { get; }

    /// <summary>Carries address and key; for the typed clients.</summary>
    public HttpClient Http { get; }

    /// <summary>True where the service ends with this call.</summary>
    public bool IsOwn => _own is not null;

    /// <param name="running">What <see cref="FindAsync"/> found; null starts one.</param>
    /// <param name="roots">Directories that a service started here may ingest.</param>
    public static async Task<ServiceConnection> OpenAsync(ServiceAddress? running, IReadOnlyCollection<string> roots, Terminal terminal, CancellationToken ct)
    {
        if (running is not null)
        {
            return new ServiceConnection(running, own: null);
        }

        var builder = Settings.Load(urls: "http://127.0.0.1:0");
        var database = await DatabaseChoice.MakeAsync(builder.Configuration, ct);
        terminal.Say($"no service runs; using the {database.Description} directly");
        var own = await AllInOne.StartAsync(builder, database, roots, ct);
        try
        {
            await own.WarmAsync(ct);
            return new ServiceConnection(own.Address, own);
        }
        catch
        {
            await own.DisposeAsync();
            throw;
        }
    }

    /// <summary>The service that was named, which must answer, or the one on this machine's default port, if it does; else null.</summary>
    /// <exception cref="CliException">A service was named and does not answer.</exception>
    public static async Task<ServiceAddress?> FindAsync(GlobalOptions options, ParseResult parsed, CancellationToken ct)
    {
        if (options.Named(parsed) is { } named)
        {
            return await AnswersAsync(named, TimeSpan.FromSeconds(10), ct)
                ? named
                : throw new CliException($"no Mahavishnu answers at {named.Url}");
        }

        return Usual(Settings.Load().Configuration, options.Key(parsed)) is { } usual && await AnswersAsync(usual, TimeSpan.FromSeconds(2), ct) ? usual : null;
    }

    /// <summary>Where `mahavishnu up` listens with the same settings; null where that is no address of this machine's own.</summary>
    internal static ServiceAddress? Usual(IConfiguration configuration, string? key)
    {
        // http://127.0.0.1:8686, http://localhost:80, http://*:8080, http://0.0.0.0:8080
        var first = configuration["urls"]?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault();
        if (first is null || BindingAddress.Parse(first) is not { Scheme: "http" or "https", Port: > 0 } address)
        {
            return null;
        }

        var host = address.Host is "*" or "+" or "0.0.0.0" or "[::]" ? "127.0.0.1" : address.Host;
        return new ServiceAddress(new Uri(FormattableString.Invariant($"{address.Scheme}://{host}:{address.Port}/")), key);
    }

    public static HttpClient CreateClient(ServiceAddress address)
    {
        var http = new HttpClient { BaseAddress = address.Url };
        if (address.ApiKey is { } key)
        {
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        return http;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (_own is not null)
        {
            await _own.DisposeAsync();
        }
    }

    /// <summary>True where a Mahavishnu answers; any other program on that port says something else or nothing.</summary>
    private static async Task<bool> AnswersAsync(ServiceAddress address, TimeSpan patience, CancellationToken ct)
    {
        using var http = CreateClient(address);
        http.Timeout = patience;
        try
        {
            // {"status":"ok"}
            return await http.GetFromJsonAsync<JsonElement>(Live, ct) is { ValueKind: JsonValueKind.Object } live
                && live.TryGetProperty("status", out var status) && status.ValueEquals("ok");
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or OperationCanceledException && !ct.IsCancellationRequested)
        {
            return false;
        }
    }
}
