using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Mahavishnu.Ingest;

/// <summary>Executions of workflows: recorded, ended, listed. What they teach is asked of search.</summary>
internal static class WorkflowsSlice
{
    public static void Add(IServiceCollection services)
    {
        services.TryAddSingleton<WorkflowStore>();
        services.TryAddSingleton<WorkflowReadStore>();
    }

    public static void Map(IEndpointRouteBuilder routes)
    {
        AddWorkflow.Map(routes);
        MoveWorkflow.Map(routes);
        ReadWorkflows.Map(routes);
    }
}
