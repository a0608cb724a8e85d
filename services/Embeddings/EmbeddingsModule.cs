using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Embeddings;

/// <summary>How a host gets its embedding models.</summary>
public static class EmbeddingsModule
{
    /// <summary>Registers <see cref="EmbeddingModels"/>, the providers behind it, and the check <c>embedding-model</c>.</summary>
    /// <remarks>Settings that cannot be meant stop the start; a provider that is away does not.</remarks>
    public static TBuilder AddEmbeddings<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        var services = builder.Services;
        services.AddOptions<OllamaOptions>().BindConfiguration(OllamaOptions.Section).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<OllamaOptions>, OllamaOptionsValidator>());
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<EmbeddingTelemetry>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IEmbeddingProvider, BuiltinProvider>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IEmbeddingProvider, OllamaProvider>());
        services.TryAddSingleton<EmbeddingModels>();
        services.TryAddSingleton<EmbeddingModelHealth>();
        services.AddHostedService<EmbeddingStartup>();
        services.AddHealthChecks().AddCheck<EmbeddingModelHealth>("embedding-model", HealthStatus.Degraded, ["ready"]);
        return builder;
    }
}
