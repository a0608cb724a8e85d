using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.Ingest;
using Mahavishnu.Migration;
using Mahavishnu.Search;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;

namespace Mahavishnu.Benchmarks;

/// <summary>Every module in this process on a free port, as `mahavishnu up` has them.</summary>
internal sealed class BenchmarkServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private BenchmarkServer(WebApplication app)
    {
        _app = app;
        Http = new HttpClient { BaseAddress = new Uri(app.Urls.First()), Timeout = TimeSpan.FromMinutes(10) };
    }

    public HttpClient Http { get; }

    /// <param name="settings">What is different in this run: another model, say.</param>
    public static async Task<BenchmarkServer> StartAsync(string connectionString, string root, IReadOnlyDictionary<string, string?>? settings, CancellationToken ct)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["Settings:File"] = "",
            ["urls"] = "http://127.0.0.1:0",
            [$"ConnectionStrings:{Resources.Database}"] = connectionString,
            ["Ingest:Roots:0"] = root,
            // Standard output is for the figures.
            ["Logging:LogLevel:Default"] = "Warning",
            ["Logging:LogLevel:Microsoft.Hosting.Lifetime"] = "Warning",
            // Not the one that happens to run on this machine.
            ["Embedding:Provider"] = EmbeddingProviders.Builtin,
        });
        builder.Configuration.AddInMemoryCollection(settings ?? new Dictionary<string, string?>(StringComparer.Ordinal));
        builder.AddServiceDefaults();
        builder.AddMahavishnuDatabase();
        builder.AddEmbeddings();
        builder.AddIngest();
        builder.AddSearch();
        builder.AddMigration();
        var app = builder.Build();
        app.UseServiceDefaults();
        app.MapDefaultEndpoints();
        app.MapIngest();
        app.MapSearch();
        app.MapMigration();
        await app.StartServiceAsync(ct);
        var server = new BenchmarkServer(app);
        await WaitAsync(async () => (await server.Http.GetAsync(new Uri(HealthRoutes.Ready, UriKind.Relative), ct)).IsSuccessStatusCode, ct);
        return server;
    }

    /// <summary>Waits until every memory has its vector and, where one is due, the index is there.</summary>
    /// <returns>When the queue was empty, and when the index was ready too.</returns>
    public async Task<(TimeSpan Embedded, TimeSpan Indexed)> UntilSearchableAsync(System.Diagnostics.Stopwatch clock, long vectors, CancellationToken ct)
    {
        var admin = new AdminClient(Http);
        TimeSpan? embedded = null;
        await WaitAsync(
            async () =>
            {
                var status = await admin.EmbeddingsAsync(ct);
                var drained = status.Queue is { Pending: 0, Running: 0 } && status.Spaces.Any(s => s.State == "active" && s.Vectors >= vectors);
                if (drained)
                {
                    embedded ??= clock.Elapsed;
                }

                return drained && status.Spaces.Any(s => s.State == "active" && s.Index == "ready");
            },
            ct);
        return (embedded!.Value, clock.Elapsed);
    }

    /// <summary>Waits until nothing waits for its embedding any more.</summary>
    public Task UntilEmbeddedAsync(CancellationToken ct)
    {
        var admin = new AdminClient(Http);
        return WaitAsync(async () => (await admin.EmbeddingsAsync(ct)).Queue is { Pending: 0, Running: 0 }, ct);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }

    /// <summary>Asks until it is so.</summary>
    public static async Task WaitAsync(Func<Task<bool>> done, CancellationToken ct)
    {
        while (!await done())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), ct);
        }
    }
}
