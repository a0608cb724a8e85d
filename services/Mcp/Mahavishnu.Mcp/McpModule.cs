using Mahavishnu.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using ModelContextProtocol.AspNetCore;
using ModelContextProtocol.Server;

namespace Mahavishnu.Mcp;

/// <summary>The agents' door as a host sees it: two verbs. The host brings the typed clients of <see cref="Contracts"/>.</summary>
public static class McpModule
{
    public static TBuilder AddMcp<TBuilder>(this TBuilder builder) where TBuilder : IHostApplicationBuilder
    {
        var services = builder.Services;
        services.AddOptions<McpOptions>().BindConfiguration(McpOptions.Section).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<McpOptions>, McpOptionsValidator>());
        // In the order in which clients list them.
        services.TryAddEnumerable(
        [
            ServiceDescriptor.Singleton<MemoryTool, AddMemoryTool>(),
            ServiceDescriptor.Singleton<MemoryTool, SearchMemoriesTool>(),
            ServiceDescriptor.Singleton<MemoryTool, GetMemoryTool>(),
            ServiceDescriptor.Singleton<MemoryTool, ListMemoriesTool>(),
            ServiceDescriptor.Singleton<MemoryTool, UpdateMemoryTool>(),
            ServiceDescriptor.Singleton<MemoryTool, DeleteMemoryTool>(),
            ServiceDescriptor.Singleton<MemoryTool, AddConversationTool>(),
            ServiceDescriptor.Singleton<MemoryTool, SearchCodeTool>(),
            ServiceDescriptor.Singleton<MemoryTool, RecordWorkflowTool>(),
            ServiceDescriptor.Singleton<MemoryTool, MemoryStatusTool>(),
            ServiceDescriptor.Singleton<MemoryTool, IngestRepositoryTool>(),
            ServiceDescriptor.Singleton<MemoryTool, ImportTool>(),
            ServiceDescriptor.Singleton<MemoryTool, EvaluateTool>(),
            ServiceDescriptor.Singleton<MemoryTool, ShareInsightTool>(),
            ServiceDescriptor.Singleton<MemoryTool, EraseTool>(),
        ]);
        services.TryAddSingleton<StoredResources>();
        services.TryAddSingleton<StoredPrompts>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<McpServerOptions>, McpHandlers>());
        // No call leaves anything behind in the process: any replica answers the next one, and clients of the initialize handshake are served the same way.
        services.AddMcpServer().WithHttpTransport(http => http.SessionMode = HttpServerSessionMode.Stateless);
        return builder;
    }

    /// <summary>Maps <c>/mcp</c>.</summary>
    public static IEndpointRouteBuilder MapMcp(this IEndpointRouteBuilder routes)
    {
        McpEndpointRouteBuilderExtensions.MapMcp(routes, Resources.Mcp).ExcludeFromDescription();
        return routes;
    }
}
