using System.Globalization;

namespace Mahavishnu.AppHost;

/// <summary>What is true of every service here: where it listens, how it is asked for its health, who may call it.</summary>
internal static class Services
{
    /// <summary>The port of a service in its container.</summary>
    public const int ContainerPort = 8080;

    public const string Ready = "/health/ready";

    /// <summary>A name has one address and a database one connection string; the same once more in parts would only carry the password about.</summary>
    public const ReferenceEnvironmentInjectionFlags Wiring = ReferenceEnvironmentInjectionFlags.ConnectionString | ReferenceEnvironmentInjectionFlags.ServiceDiscovery;

    /// <summary>The one place where a published system runs. Run from here, the orchestrator starts everything itself.</summary>
    public static void AddComputeEnvironment(this IDistributedApplicationBuilder builder, Choices choices)
    {
        switch (choices.Target)
        {
            case PublishTarget.Azure:
                builder.AddAzure();
                break;
            case PublishTarget.Compose:
                builder.AddCompose();
                break;
            case null:
                break;
        }
    }

    /// <summary>In containers everything listens beyond loopback, which needs a key; run from here, everything stays on loopback and a key is a choice.</summary>
    public static IResourceBuilder<ParameterResource>? AddApiKey(this IDistributedApplicationBuilder builder) =>
        builder.ExecutionContext.IsPublishMode || builder.Configuration["Parameters:api-key"] is { Length: > 0 }
            ? builder.AddParameter("api-key", secret: true)
            : null;

    public static IResourceBuilder<ProjectResource> AsService(this IResourceBuilder<ProjectResource> service, Choices choices, IResourceBuilder<ParameterResource>? key)
    {
        service
            .WithReferenceEnvironment(Wiring)
            .WithHttpEndpoint(targetPort: choices.IsPublished ? ContainerPort : null)
            .WithHttpHealthCheck(Ready)
            .WithUrlForEndpoint("http", url => url.DisplayText = "API")
            .WithUrlForEndpoint("http", _ => new ResourceUrlAnnotation { Url = "/api/v1/health", DisplayText = "Health" })
            .PublishServiceToCompose(choices)
            .PublishServiceToAzure(choices);
        return key is null ? service : service.WithEnvironment("Auth__ApiKey", key);
    }

    /// <summary>So many processes, and the same number divides the service's share of the connection pool.</summary>
    public static IResourceBuilder<ProjectResource> WithPoolFor(this IResourceBuilder<ProjectResource> service, int replicas) => service
        .WithReplicas(replicas)
        .WithEnvironment("Database__Replicas", replicas.ToString(CultureInfo.InvariantCulture));

    /// <summary>What may be ingested and imported: this user's files here; in a container what is mounted.</summary>
    public static IResourceBuilder<ProjectResource> WithReadableFolders(this IResourceBuilder<ProjectResource> service, Choices choices) => choices.Target switch
    {
        null => service.WithEnvironment("Ingest__Roots__0", Environment.GetFolderPath(Environment.SpecialFolder.UserProfile)),
        PublishTarget.Compose => service.WithEnvironment("Ingest__Roots__0", ComposeTarget.Mounted),
        _ => service,
    };

    public static IResourceBuilder<ProjectResource> AsPublicDoor(this IResourceBuilder<ProjectResource> gateway, Choices choices) => gateway
        .WithExternalHttpEndpoints()
        .WithUrlForEndpoint("http", _ => new ResourceUrlAnnotation { Url = "/scalar", DisplayText = "API page" })
        .PublishDoorToCompose(choices);
}
