using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>From accepted to found by meaning: the worker that embeds, the index over the vectors, and what can be seen of both.</summary>
internal static class EmbeddingSlice
{
    public static void Add(IServiceCollection services)
    {
        services.AddOptions<EmbeddingOptions>().BindConfiguration(EmbeddingOptions.Section).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<EmbeddingOptions>, EmbeddingOptionsValidator>());
        services.AddOptions<VectorIndexOptions>().BindConfiguration(VectorIndexOptions.Section).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<VectorIndexOptions>, VectorIndexOptionsValidator>());
        services.TryAddSingleton<EmbeddingWorkerState>();
        services.TryAddSingleton<EmbeddingRate>();
        services.TryAddSingleton<ProviderGlance>();
        services.TryAddSingleton<TextEmbedder>();
        services.TryAddSingleton<EmbeddingClaimRunner>();
        services.TryAddSingleton<VectorIndexSignal>();
        services.AddHostedService<EmbeddingWorker>();
        services.AddHostedService<EmbeddingQueueGauges>();
        services.TryAddSingleton<VectorIndexWorker>();
        services.AddHostedService(provider => provider.GetRequiredService<VectorIndexWorker>());
        services.AddOperationHandler<IndexHandler>();
        services.AddOperationHandler<FillSpace>();
        services.TryAddSingleton<EmbeddingSpaceKeeper>();
        services.AddHostedService(provider => provider.GetRequiredService<EmbeddingSpaceKeeper>());
        services.TryAddSingleton<SpaceComparer>();
        services.TryAddSingleton<ActivationGate>();
        services.AddHealthChecks()
            .AddCheck<EmbeddingWorkerCheck>("embedding-worker", tags: ["ready"])
            .AddOptionalPart("queue", static (provider, ct) => EmbeddingQueueHealth.LookAsync(
                provider.GetRequiredService<EmbeddingQueueStore>(), provider.GetRequiredService<TimeProvider>(), ct));
    }

    public static void Map(IEndpointRouteBuilder api)
    {
        var spaces = api.MapGroup($"/{Resources.Embeddings}");
        ShowSpaces.Map(spaces);
        AddSpace.Map(spaces);
        CompareSpaces.Map(spaces);
        ActivateSpace.Map(spaces);
        BuildIndex.Map(spaces);
        DropSpace.Map(spaces);
        DeadLetters.Map(api);
    }
}
