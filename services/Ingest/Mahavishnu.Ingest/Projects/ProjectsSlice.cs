using Mahavishnu.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>Projects and what connects them: groups, dependencies, linked sessions, shared insights. Searching across them is search's.</summary>
internal static class ProjectsSlice
{
    public static void Add(IServiceCollection services)
    {
        services.AddOptions<ProjectOptions>().BindConfiguration(ProjectOptions.Section).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ProjectOptions>, ProjectOptionsValidator>());
        services.TryAddSingleton<ProjectStore>();
        services.TryAddSingleton<ProjectOverviewStore>();
        services.TryAddSingleton<ProjectGroupStore>();
        services.TryAddSingleton<LinkStore>();
        services.TryAddSingleton<InsightShareStore>();
    }

    public static void Map(IEndpointRouteBuilder api)
    {
        var projects = api.MapGroup($"/{Resources.Projects}").WithTags("Projects");
        RegisterProject.Map(projects);
        ReadProjects.Map(projects);
        RemoveProject.Map(projects);
        OverviewProject.Map(projects);
        KeepGroups.Map(api.MapGroup($"/{Resources.ProjectGroups}").WithTags("Projects"));
        KeepDependencies.Map(api.MapGroup($"/{Resources.Dependencies}").WithTags("Projects"));
        KeepSessionLinks.Map(api.MapGroup($"/{Resources.SessionLinks}").WithTags("Projects"));
        ShareInsight.Map(api.MapGroup($"/{Resources.Insights}").WithTags("Insights"));
    }
}
