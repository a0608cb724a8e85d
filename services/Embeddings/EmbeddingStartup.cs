using Mahavishnu.Contracts;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Mahavishnu.Embeddings;

/// <summary>Stops the start where the settings cannot be meant, and begins the download of a model that is asked for and missing.</summary>
internal sealed class EmbeddingStartup(EmbeddingModels models, IConfiguration configuration) : BackgroundService
{
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        _ = EmbeddingSettings.Read(configuration);
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var settings = EmbeddingSettings.Read(configuration);
        if (settings is not { Provider: EmbeddingProviders.Ollama, Pull: true })
        {
            return;
        }

        try
        {
            await models.DescribeAsync(settings.Model, EmbeddingProviders.Ollama, settings.Profile, settings.Distance, stoppingToken);
        }
        catch (Exception e) when (e is EmbeddingModelException or OperationCanceledException)
        {
            // Pulling, or away: whoever needs the model says so, and asks again.
        }
    }
}
