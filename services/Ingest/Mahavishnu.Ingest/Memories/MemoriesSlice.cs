using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Mahavishnu.Ingest;

/// <summary>Memories: stored one by one or in batches, listed, read, changed, deleted and restored, superseded, erased.</summary>
internal static class MemoriesSlice
{
    public static void Add(IServiceCollection services)
    {
        services.TryAddSingleton<MemoryReadStore>();
        services.TryAddSingleton<BatchWriters>();
        services.AddHostedService<MemoryUpkeepWorker>();
    }

    public static void Map(IEndpointRouteBuilder api)
    {
        AddMemory.Map(api);
        AddMemoryBatch.Map(api);
        ListMemories.Map(api);
        GetMemory.Map(api);
        PatchMemory.Map(api);
        DeleteMemory.Map(api);
        MemoryHistory.Map(api);
        SupersedeMemory.Map(api);
        EraseMemory.Map(api);
    }
}
