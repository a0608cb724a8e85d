using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>Repositories within the module: what is registered and mapped.</summary>
internal static class RepositoriesSlice
{
    public static void Add(IServiceCollection services)
    {
        services.AddOptions<RepositoryOptions>().BindConfiguration(RepositoryOptions.Section).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<RepositoryOptions>, RepositoryOptionsValidator>());
        services.AddAllowedRoots();
        services.TryAddSingleton<RepositoryStore>();
        services.TryAddSingleton<RepositoryTelemetry>();
        services.AddOperationHandler<RepositoryIngestion>();
    }

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup($"/{Resources.Repositories}");
        IngestRepository.Map(group);
        ListRepositories.Map(group);
        RemoveRepository.Map(group);
    }
}
