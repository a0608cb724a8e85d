using Mahavishnu.Storage;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>Insights: taken from what assistants say, written by hand, listed with how much they are used.</summary>
internal static class InsightsSlice
{
    public static void Add(IServiceCollection services)
    {
        services.AddOptions<InsightOptions>().BindConfiguration(InsightOptions.Section).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<InsightOptions>, InsightOptionsValidator>());
        services.AddOptions<InsightModelOptions>().BindConfiguration(InsightModelOptions.Section).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<InsightModelOptions>, InsightModelOptionsValidator>());
        services.TryAddSingleton<InsightModel>();
        services.TryAddSingleton<InsightReadingStore>();
        services.TryAddSingleton<InsightExtractor>();
        services.TryAddSingleton<InsightSignal>();
        services.TryAddSingleton<InsightStore>();
        services.TryAddSingleton<InsightReadStore>();
        services.AddInsightUsage();
        services.AddHostedService<InsightWorker>();
        services.AddHostedService<InsightModelWorker>();
        services.AddOperationHandler<InsightSweep>();
    }

    public static void Map(IEndpointRouteBuilder api)
    {
        AddInsight.Map(api);
        ReadInsights.Map(api);
        ExtractInsights.Map(api);
        ShowInsightStatus.Map(api);
    }
}
