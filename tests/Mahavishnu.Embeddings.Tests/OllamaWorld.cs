using System.Diagnostics.Metrics;
using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.Embeddings.Tests;

/// <summary>A host with the embedding module and a server for it to talk to.</summary>
internal sealed class OllamaWorld : IAsyncDisposable
{
    public const string Nomic = "nomic-embed-text";
    public const string MiniLm = "all-minilm";

    private readonly IHost _host;

    private OllamaWorld(OllamaServer server, IHost host, ManualTime? time)
    {
        (Server, _host, Time) = (server, host, time);
        Models = host.Services.GetRequiredService<EmbeddingModels>();
    }

    public OllamaServer Server { get; }

    public EmbeddingModels Models { get; }

    /// <summary>Whose meters are this world's and no other's.</summary>
    public IMeterFactory Meters => _host.Services.GetRequiredService<IMeterFactory>();

    /// <summary>Null: the world's own clock.</summary>
    public ManualTime? Time { get; }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static Task<OllamaWorld> StartAsync(params (string Key, string? Value)[] settings) => StartAsync(null, null, settings);

    public static async Task<OllamaWorld> StartAsync(OllamaServer? server, ManualTime? time, params (string Key, string? Value)[] settings)
    {
        server ??= await OllamaServer.StartNewAsync();
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(
            (((string Key, string? Value)[])[("OLLAMA_BASE_URL", server.Url), ("Embedding:Ollama:RetrySeconds", "0.001"), .. settings])
                .GroupBy(s => s.Key, StringComparer.Ordinal).Select(g => KeyValuePair.Create(g.Key, g.Last().Value)));
        if (time is not null)
        {
            builder.Services.AddSingleton<TimeProvider>(time);
        }

        builder.AddEmbeddings();
        var host = builder.Build();
        await host.StartAsync(Ct);
        return new OllamaWorld(server, host, time);
    }

    public Task<EmbeddingModel> DescribeAsync(string model, string? profile = null) => Models.DescribeAsync(model, EmbeddingProviders.Ollama, profile, "cosine", Ct);

    /// <summary>The model as it is now, opened; what that took is forgotten by <see cref="StandInRecord"/>.</summary>
    public async Task<EmbeddingClient> OpenAsync(string model = MiniLm, string? profile = null)
    {
        var client = await Models.OpenAsync(await DescribeAsync(model, profile), Ct);
        Server.Record.Clear();
        return client;
    }

    public async Task<HealthReportEntry> HealthAsync() =>
        (await _host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Ct)).Entries["embedding-model"];

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(CancellationToken.None);
        _host.Dispose();
        await Server.DisposeAsync();
    }
}
