using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Search;

/// <summary>The read side as a host sees it: two verbs. The host brings the database (<c>AddMahavishnuDatabase</c>), the model (<c>AddEmbeddings</c>) and the service defaults.</summary>
public static class SearchModule
{
    public static TBuilder AddSearch<TBuilder>(this TBuilder builder) where TBuilder : IHostApplicationBuilder
    {
        var services = builder.Services;
        services.AddOptions<SearchOptions>().BindConfiguration(SearchOptions.Section).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<SearchOptions>, SearchOptionsValidator>());
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<SearchGate>();
        services.TryAddSingleton<SearchStore>();
        services.TryAddSingleton<LexemeStore>();
        services.TryAddSingleton<LexemeStatistics>();
        services.TryAddSingleton<ActiveSpace>();
        services.TryAddSingleton<QuestionEmbedder>();
        services.TryAddSingleton<SearchTelemetry>();
        services.TryAddSingleton<FormerStates>();
        services.TryAddSingleton<Searcher>();
        services.TryAddSingleton<UnifiedSearcher>();
        services.AddOptions<AcrossOptions>().BindConfiguration(AcrossOptions.Section).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AcrossOptions>, AcrossOptionsValidator>());
        services.TryAddSingleton<ScopeStore>();
        services.TryAddSingleton<ProjectSearcher>();
        services.TryAddSingleton<RecallStore>();
        services.TryAddSingleton<WorkflowRecall>();
        services.TryAddSingleton<Evaluator>();
        services.AddInsightUsage();
        services.TryAddSingleton<QuestionSampler>();
        services.AddHostedService(provider => provider.GetRequiredService<QuestionSampler>());
        services.TryAddSingleton<QuestionLog>();
        services.AddHostedService(provider => provider.GetRequiredService<QuestionLog>());
        services.TryAddSingleton<RecallCanary>();
        services.AddHostedService(provider => provider.GetRequiredService<RecallCanary>());
        services.TryAddSingleton<WarmStore>();
        services.TryAddSingleton<SearchWarmUp>();
        services.AddWarmUp("search", static (provider, ct) => provider.GetRequiredService<SearchWarmUp>().RunAsync(ct));
        return builder;
    }

    /// <summary>Maps the routes under <c>/api/v1</c> that <c>Resources.Routes</c> gives to search.</summary>
    public static IEndpointRouteBuilder MapSearch(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup(Resources.Api);
        var search = api.MapGroup($"/{Resources.SearchRoute}").WithTags("Search");
        SearchMemories.Map(search);
        SearchUnified.Map(search);
        SearchProjects.Map(search);
        RecallWorkflows.Map(api.MapGroup($"/{Resources.WorkflowRecall}").WithTags("Workflows"));
        var evaluations = api.MapGroup("").WithTags("Evaluations");
        PinnedQueries.Map(evaluations);
        RunEvaluation.Map(evaluations);
        return api;
    }
}
