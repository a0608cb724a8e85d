using Mahavishnu.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Migration;

/// <summary>Schema and imports as a host sees them: two verbs, and the one that a run-once job calls instead of serving.</summary>
public static class MigrationModule
{
    public static TBuilder AddMigration<TBuilder>(this TBuilder builder) where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddOptions<MigrationOptions>().BindConfiguration(MigrationOptions.Section).ValidateOnStart();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<MigrationOptions>, MigrationOptionsValidator>());
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.TryAddSingleton<SchemaUpgrade>();
        ImportsSlice.Add(builder.Services);
        return builder;
    }

    /// <summary>Maps the routes under <c>/api/v1</c> that <c>Resources.Routes</c> gives to migration.</summary>
    public static IEndpointRouteBuilder MapMigration(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup(Resources.Api);
        GetSchema.Map(api);
        ImportsSlice.Map(api);
        return api;
    }

    /// <summary>Brings the schema up to this program's; waits <c>Migration:WaitSeconds</c> for a database that is still starting.</summary>
    /// <returns>Exit code: 0 when the schema is current, 1 when it cannot be brought there; the reason is on stderr.</returns>
    public static Task<int> UpgradeSchemaAsync(this IHost host, CancellationToken ct = default) =>
        host.Services.GetRequiredService<SchemaUpgrade>().RunAsync(Console.Out, Console.Error, ct);
}
