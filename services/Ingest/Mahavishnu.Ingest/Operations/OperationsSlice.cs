using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>Long work of every kind, as its callers see it. The work itself is done by handlers of <see cref="Mahavishnu.Storage.IOperationHandler"/>.</summary>
internal static class OperationsSlice
{
    public static void Map(IEndpointRouteBuilder api)
    {
        ListOperations.Map(api);
        OperationRoutes.Map(api);
        OperationEvents.Map(api);
    }
}
