using Azure.Provisioning.AppContainers;
using Azure.Provisioning.Expressions;
using Azure.Provisioning.PostgreSql;
using Mahavishnu.Contracts;

namespace Mahavishnu.AppHost;

/// <summary>What Azure needs to be told beyond the model: Container Apps for the services, a job for the schema, a managed server for the memories.</summary>
internal static class AzureTarget
{
    /// <summary>The server that connections are counted for: the smallest one admits 35, and the services ask for 50.</summary>
    private const string ServerSize = "Standard_D2ds_v5";

    private const int ServerStorageGigabytes = 64;

    /// <summary>Registry, identities and the workspace of the logs come with it.</summary>
    public static void AddAzure(this IDistributedApplicationBuilder builder) => builder.AddAzureContainerAppEnvironment("cloud");

    /// <summary>A password, kept in a vault, and not a token: the services speak to any PostgreSQL alike.</summary>
    public static IResourceBuilder<IResourceWithConnectionString> AddManagedDatabase(this IDistributedApplicationBuilder builder, string name) =>
        builder.AddAzurePostgresFlexibleServer(name)
            .WithPasswordAuthentication()
            .ConfigureInfrastructure(infrastructure =>
            {
                var server = infrastructure.GetProvisionableResources().OfType<PostgreSqlFlexibleServer>().Single();
                server.Version = new StringLiteralExpression("17");
                server.Sku = new PostgreSqlFlexibleServerSku { Name = ServerSize, Tier = PostgreSqlFlexibleServerSkuTier.GeneralPurpose };
                server.StorageSizeInGB = ServerStorageGigabytes;
                // Without this line CREATE EXTENSION is refused, whoever asks.
                infrastructure.Add(new PostgreSqlFlexibleServerConfiguration("extensions")
                {
                    Parent = server,
                    Name = "azure.extensions",
                    Value = "VECTOR,PG_PREWARM",
                    Source = "user-override",
                });
            })
            .AddDatabase(Resources.Database);

    public static IResourceBuilder<ProjectResource> PublishServiceToAzure(this IResourceBuilder<ProjectResource> project, Choices choices) =>
        choices.Target != PublishTarget.Azure
            ? project
            : project
                // The ingress answers to its own names alone, and asks under the name that the platform makes up.
                .WithEnvironment("Edge__AllowedHosts__0", "*")
                .PublishAsAzureContainerApp((_, app) =>
                {
                    // One number: more processes than the pool was divided by would ask the server for more than it admits.
                    app.Template.Scale.MinReplicas = project.Resource.GetReplicaCount();
                    app.Template.Scale.MaxReplicas = project.Resource.GetReplicaCount();
                    app.Template.Containers[0].Value!.Probes.Add(new ContainerAppProbe
                    {
                        ProbeType = ContainerAppProbeType.Readiness,
                        HttpGet = new() { Path = Services.Ready, Port = Services.ContainerPort, Scheme = ContainerAppHttpScheme.Http },
                    });
                });

    /// <summary>Compose waits for its end; Container Apps start it when somebody says so: docs/deployment.md.</summary>
    public static IResourceBuilder<ProjectResource> PublishAsJob(this IResourceBuilder<ProjectResource> project, Choices choices) => choices.Target switch
    {
        PublishTarget.Azure => project.PublishAsAzureContainerAppJob(),
        PublishTarget.Compose => project.PublishAsDockerComposeService((_, service) =>
        {
            service.Restart = "on-failure:3";
            if (service.DependsOn.TryGetValue("postgres", out var database))
            {
                database.Condition = "service_healthy";
            }
        }),
        _ => project,
    };

    public static IResourceBuilder<OllamaResource> WithRoomForAModel(this IResourceBuilder<OllamaResource> ollama, Choices choices) =>
        choices.Target == PublishTarget.Azure
            ? ollama.PublishAsAzureContainerApp((_, app) =>
            {
                app.Template.Scale.MaxReplicas = 1; // one volume, one writer
                app.Template.Containers[0].Value!.Resources = new AppContainerResources { Cpu = 2, Memory = "4Gi" };
            })
            : ollama;
}
