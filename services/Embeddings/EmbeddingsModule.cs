using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Mahavishnu.Embeddings;

/// <summary>How a host gets its embedding models.</summary>
public static class EmbeddingsModule
{
    /// <summary>Registers <see cref="EmbeddingModels"/> and the providers behind it.</summary>
    public static TBuilder AddEmbeddings<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IEmbeddingProvider, BuiltinProvider>());
        builder.Services.TryAddSingleton<EmbeddingModels>();
        return builder;
    }
}
