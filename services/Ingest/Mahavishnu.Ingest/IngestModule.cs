using Mahavishnu.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>The write side as a host sees it: two verbs. The host brings the database, the embedding model and the service defaults.</summary>
public static class IngestModule
{
    public static TBuilder AddIngest<TBuilder>(this TBuilder builder) where TBuilder : IHostApplicationBuilder
    {
        var services = builder.Services;
        services.AddOptions<IngestOptions>().BindConfiguration(IngestOptions.Section).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<IngestOptions>, IngestOptionsValidator>());
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IngestTelemetry>();
        MemoriesSlice.Add(services);
        ConversationsSlice.Add(services);
        InsightsSlice.Add(services);
        WorkflowsSlice.Add(services);
        ProjectsSlice.Add(services);
        EmbeddingSlice.Add(services);
        RepositoriesSlice.Add(services);
        return builder;
    }

    /// <summary>Maps the routes under <c>/api/v1</c> that <c>Resources.Routes</c> gives to ingest.</summary>
    public static IEndpointRouteBuilder MapIngest(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup(Resources.Api);
        MemoriesSlice.Map(api.MapGroup("").WithTags("Memories"));
        ConversationsSlice.Map(api.MapGroup($"/{Resources.Conversations}").WithTags("Conversations"));
        InsightsSlice.Map(api.MapGroup("").WithTags("Insights"));
        WorkflowsSlice.Map(api.MapGroup($"/{Resources.Workflows}").WithTags("Workflows"));
        ProjectsSlice.Map(api);
        OperationsSlice.Map(api.MapGroup("").WithTags("Operations"));
        EmbeddingSlice.Map(api.MapGroup("").WithTags("Embeddings"));
        RepositoriesSlice.Map(api.MapGroup("").WithTags("Repositories"));
        return api;
    }
}
