using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Migration;

/// <summary>Imports within the module: what is registered and mapped.</summary>
internal static class ImportsSlice
{
    public static void Add(IServiceCollection services)
    {
        services.AddOptions<ImportOptions>().BindConfiguration(ImportOptions.Section).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ImportOptions>, ImportOptionsValidator>());
        services.AddAllowedRoots();
        services.TryAddSingleton<ImportStore>();
        services.TryAddSingleton<ObjectStore>();
        services.TryAddSingleton<ImportRowStore>();
        services.TryAddSingleton<UndoStore>();
        services.TryAddSingleton<DryRunStore>();
        services.TryAddSingleton<VerificationStore>();
        services.TryAddSingleton<ImportVerifier>();
        services.TryAddSingleton<ImportTelemetry>();
        services.TryAddSingleton<ImportRunner>();
        services.TryAddSingleton<ImportUndo>();
        services.AddOperationHandler<ImportHandler>();
        services.AddHealthChecks().AddOptionalPart("session_buddy", static (provider, ct) => LastImportHealth.LookAsync(provider.GetRequiredService<ImportStore>(), ct));
    }

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup($"/{Resources.Imports}").WithTags("Imports");
        StartImport.Map(group);
        ReadImports.Map(group);
        UndoImport.Map(group);
    }
}
