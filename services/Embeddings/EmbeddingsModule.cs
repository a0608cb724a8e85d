using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Mahavishnu.Embeddings;

/// <summary>How a host gets its embedding model.</summary>
public static class EmbeddingsModule
{
    /// <summary>
    /// Registers <c>IEmbeddingGenerator&lt;string, Embedding&lt;float&gt;&gt;</c> and the <see cref="EmbeddingModelInfo"/> that describes it:
    /// today the built-in model, which needs no download.
    /// </summary>
    public static TBuilder AddEmbeddings<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddEmbeddingGenerator(_ => new HashEmbeddingGenerator())
            .UseOpenTelemetry(sourceName: "Mahavishnu.Embeddings");
        builder.Services.TryAddSingleton(HashModel.Info);
        return builder;
    }
}
