using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Mahavishnu.ServiceDefaults;

/// <summary>This process, called as its callers call it: a warm-up that goes this way leaves no part of the way cold.</summary>
public sealed class OwnDoor(IServiceProvider services, IHostApplicationLifetime lifetime, IOptions<AuthOptions> auth)
{
    private const string Header = "Mahavishnu-Rehearsal";

    // Nobody else knows it, so what others ask always counts as asked.
    private readonly string _mark = Guid.NewGuid().ToString("n");

    /// <summary>Whether a request is one of this process to itself.</summary>
    public bool IsRehearsal(HttpRequest request) => request.Headers[Header] is [{ } mark] && string.Equals(mark, _mark, StringComparison.Ordinal);

    /// <summary>Waits until the process listens.</summary>
    /// <returns>Null: it listens to nothing that could be called without knowing more (a socket of another kind, a certificate's name).</returns>
    public async Task<HttpClient?> OpenAsync(CancellationToken ct)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (lifetime.ApplicationStarted.Register(started.SetResult))
        {
            await started.Task.WaitAsync(ct);
        }

        var listening = services.GetService<IServer>()?.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        var plain = listening.Where(a => a.StartsWith("http://", StringComparison.OrdinalIgnoreCase) && !a.StartsWith("http://unix:", StringComparison.OrdinalIgnoreCase)).ToList();
        if (plain.Count == 0)
        {
            return null;
        }

        var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }, disposeHandler: true) { BaseAddress = AddressOf(plain) };
        http.DefaultRequestHeaders.Add(Header, _mark);
        if (auth.Value is { HasKey: true, ApiKey: { } key })
        {
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        return http;
    }

    /// <summary>Where a process that listens there can be called from its own machine; in the clear rather than not.</summary>
    internal static Uri AddressOf(IEnumerable<string> listening)
    {
        var address = BindingAddress.Parse(listening.OrderBy(u => u.StartsWith("https", StringComparison.OrdinalIgnoreCase)).First());
        // http://*:8080, http://[::]:8080: every address of the machine, this one among them.
        var one = HostRule.IsLoopback(address.Host) || IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && !ip.Equals(IPAddress.Any) && !ip.Equals(IPAddress.IPv6Any);
        return new Uri(FormattableString.Invariant($"{address.Scheme}://{(one ? address.Host : "127.0.0.1")}:{address.Port}"));
    }
}
