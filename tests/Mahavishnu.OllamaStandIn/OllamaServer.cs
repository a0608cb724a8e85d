using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.OllamaStandIn;

/// <summary>
/// Speaks Ollama's wire without a model: real routes, real error bodies, vectors that are always the same. It can be slow, flaky, wrong, and away; whoever
/// talks to it cannot tell the difference.
/// </summary>
public sealed class OllamaServer : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, StandInModel> _models = new(StringComparer.Ordinal);
    private readonly Dictionary<string, StandInModel> _offers = new(StringComparer.Ordinal);
    private int _port;
    private WebApplication? _app;
    private CancellationTokenSource _stopping = new();

    /// <param name="port">0: a free one, kept from the first start on.</param>
    /// <param name="models">What is pulled already; none given: the three that everybody has.</param>
    public OllamaServer(int port = 0, params IEnumerable<StandInModel> models)
    {
        _port = port;
        foreach (var model in models.DefaultIfEmpty())
        {
            if (model is not null)
            {
                Add(model);
            }
        }

        if (_models.Count == 0)
        {
            Add(StandInModel.NomicEmbedText);
            Add(StandInModel.AllMiniLm);
            Add(StandInModel.MxbaiEmbedLarge);
        }

        Offer(StandInModel.NomicEmbedText);
        Offer(StandInModel.AllMiniLm);
        Offer(StandInModel.MxbaiEmbedLarge);
    }

    /// <summary>A started server on a free port.</summary>
    /// <param name="models">As for the constructor.</param>
    public static async Task<OllamaServer> StartNewAsync(params IEnumerable<StandInModel> models)
    {
        var server = new OllamaServer(0, models);
        await server.StartAsync();
        return server;
    }

    /// <summary>What it does to its callers.</summary>
    public StandInBehaviour Behaviour { get; } = new();

    /// <summary>What its callers did.</summary>
    public StandInRecord Record { get; } = new();

    /// <summary><c>http://127.0.0.1:port</c>, the same after a restart.</summary>
    public string Url => FormattableString.Invariant($"http://127.0.0.1:{(_port > 0 ? _port : throw new InvalidOperationException("Start it once; then it has an address."))}");

    /// <summary>As after a pull: a model of the same name is replaced, which may change its digest.</summary>
    public void Add(StandInModel model)
    {
        lock (_lock)
        {
            _models[model.FullName] = model;
        }
    }

    /// <summary>As <c>ollama rm</c>.</summary>
    public void Remove(string name)
    {
        lock (_lock)
        {
            _models.Remove(StandInModel.FullNameOf(name));
        }
    }

    /// <summary>What a pull of this name brings.</summary>
    public void Offer(StandInModel model)
    {
        lock (_lock)
        {
            _offers[model.FullName] = model;
        }
    }

    /// <summary>Answers from now on, at the same address as before.</summary>
    public async Task StartAsync()
    {
        if (_app is not null)
        {
            return;
        }

        _stopping = new CancellationTokenSource();
        // A passing connection of somebody else may have the port for a moment.
        for (var attempt = 1; _app is null; attempt++)
        {
            var app = Build();
            try
            {
                await app.StartAsync(CancellationToken.None);
                _port = new Uri(app.Urls.Single()).Port;
                _app = app;
            }
            catch (IOException) when (_port > 0 && attempt < 100)
            {
                await app.DisposeAsync();
                await Task.Delay(TimeSpan.FromMilliseconds(100), CancellationToken.None);
            }
        }
    }

    /// <summary>Like a killed process: what is under way is cut off, and nobody listens any more.</summary>
    public async Task StopAsync()
    {
        if (_app is null)
        {
            return;
        }

        await _stopping.CancelAsync();
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
        _app = null;
        _stopping.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopping.Dispose();
    }

    internal IReadOnlyList<StandInModel> Models
    {
        get
        {
            lock (_lock)
            {
                return [.. _models.Values];
            }
        }
    }

    internal StandInModel? Find(string name)
    {
        lock (_lock)
        {
            return _models.GetValueOrDefault(StandInModel.FullNameOf(name));
        }
    }

    internal StandInModel? FindOffer(string name)
    {
        lock (_lock)
        {
            return _offers.GetValueOrDefault(StandInModel.FullNameOf(name));
        }
    }

    private WebApplication Build()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, _port);
            kestrel.Limits.MaxRequestBodySize = null;
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.Zero);
        var app = builder.Build();
        new StandInRoutes(this, _stopping.Token).Map(app);
        return app;
    }
}
