using Aspire.Hosting.Docker.Resources.ComposeNodes;
using Aspire.Hosting.Docker.Resources.ServiceNodes;
using Aspire.Hosting.Docker.Resources.ServiceNodes.Swarm;
using Resources = Mahavishnu.Contracts.Resources;

namespace Mahavishnu.AppHost;

/// <summary>What Docker Compose needs to be told beyond the model: health, order, restarts, the number of processes.</summary>
internal static class ComposeTarget
{
    public const string Always = "unless-stopped";

    /// <summary>Where a container finds what it may read.</summary>
    public const string Mounted = "/data";

    /// <summary>Parameters as Compose spells them: the key, the password, and given connection strings.</summary>
    private static readonly string[] Secrets = ["API_KEY", "POSTGRES_PASSWORD", "MAHAVISHNU", "EMBED"];

    /// <summary>The container's own tools alone: its image has bash, and no program that speaks HTTP.</summary>
    private static readonly string Probe =
        $@"exec 3<>/dev/tcp/127.0.0.1/{Services.ContainerPort}; printf 'GET {Services.Ready} HTTP/1.0\r\n\r\n' >&3; read -r answer <&3; [[ $$answer == *' 200 '* ]]";

    /// <summary>
    /// Telemetry goes where OTEL_EXPORTER_OTLP_ENDPOINT says. What Aspire's own tools would fill in gets a value to
    /// start with, or a sentence for who forgot it, so that the published folder works with Docker alone.
    /// </summary>
    public static void AddCompose(this IDistributedApplicationBuilder builder) => builder
        .AddDockerComposeEnvironment("compose")
        .WithDashboard(enabled: false)
        .ConfigureComposeFile(file =>
        {
            file.Name = Resources.Database;
            foreach (var service in file.Services.Values)
            {
                // migrate is the migration service with another argument.
                var image = service.Name == "migrate" ? Resources.Migration : service.Name;
                service.Image = service.Image!.Replace($"{service.Name.ToUpperInvariant()}_IMAGE}}", $"{service.Name.ToUpperInvariant()}_IMAGE:-mahavishnu-{image}:latest}}", StringComparison.Ordinal);
                foreach (var (name, value) in service.Environment.ToList())
                {
                    service.Environment[name] = Secrets.Aggregate(value, (text, secret) => text.Replace($"${{{secret}}}", $"${{{secret}:?choose one}}", StringComparison.Ordinal));
                }
            }
        });

    public static IResourceBuilder<T> PublishToCompose<T>(this IResourceBuilder<T> resource, Choices choices, Action<Service> configure) where T : IComputeResource =>
        choices.Target == PublishTarget.Compose ? resource.PublishAsDockerComposeService((_, service) => configure(service)) : resource;

    public static IResourceBuilder<ProjectResource> PublishServiceToCompose(this IResourceBuilder<ProjectResource> project, Choices choices) =>
        project.PublishToCompose(choices, service =>
        {
            service.Restart = Always;
            // Longer than the services take to end in order, shorter than anybody's patience.
            service.StopGracePeriod = "30s";
            service.Healthcheck = Check(["CMD", "bash", "-c", Probe], every: "10s", patience: "120s");
            service.AddEnvironmentalVariable("OTEL_EXPORTER_OTLP_ENDPOINT", "${OTEL_EXPORTER_OTLP_ENDPOINT:-}");
            service.Deploy = new Deploy { Replicas = project.Resource.GetReplicaCount() };
            if (service.Environment.ContainsKey("Ingest__Roots__0"))
            {
                service.AddVolume(new Volume { Name = "data", Type = "bind", Source = "${MAHAVISHNU_DATA:-./data}", Target = Mounted, ReadOnly = true });
            }
        });

    public static IResourceBuilder<ProjectResource> PublishDoorToCompose(this IResourceBuilder<ProjectResource> gateway, Choices choices) =>
        gateway.PublishToCompose(choices, service =>
        {
            service.Ports = [$"${{MAHAVISHNU_ADDRESS:-127.0.0.1:{Resources.DefaultPort}}}:{Services.ContainerPort}"];
            service.AddEnvironmentalVariable("Edge__AllowedHosts__0", "${MAHAVISHNU_PUBLIC_NAME:-localhost}");
        });

    public static Healthcheck Check(List<string> test, string every, string patience) =>
        new() { Test = test, Interval = every, Timeout = "10s", Retries = 6, StartPeriod = patience };

    /// <summary>In Compose's words what <c>--gpus</c> is on the command line.</summary>
    public static void GiveGpu(Service service, OllamaGpuVendor vendor) => service.Devices =
        vendor == OllamaGpuVendor.AMD ? ["/dev/kfd", "/dev/dri"] : ["nvidia.com/gpu=all"];
}
