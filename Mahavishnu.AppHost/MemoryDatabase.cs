using Mahavishnu.Contracts;

namespace Mahavishnu.AppHost;

/// <summary>The database, from wherever it comes; services know it by one connection string.</summary>
internal static class MemoryDatabase
{
    private const string Server = "postgres";

    /// <summary>An index of 768 dimensions is built in shared memory, of which a container has 64 MB unless told.</summary>
    private const string SharedMemory = "1gb";

    public static IResourceBuilder<IResourceWithConnectionString> AddMemoryDatabase(this IDistributedApplicationBuilder builder, Choices choices) => choices switch
    {
        { Database: DatabaseChoice.Given } => builder.AddConnectionString(Resources.Database),
        { Database: DatabaseChoice.Local } => builder.AddPrivateServer(Server),
        { Target: PublishTarget.Azure } => builder.AddManagedDatabase(Server),
        _ => builder.AddContainerDatabase(choices),
    };

    private static IResourceBuilder<PostgresDatabaseResource> AddContainerDatabase(this IDistributedApplicationBuilder builder, Choices choices) =>
        builder.AddPostgres(Server)
            // The image before the volume: where the data lies in the container follows from the image's tag.
            .WithImage("pgvector/pgvector", "pg17")
            .WithDataVolume("mahavishnu-postgres")
            .WithContainerRuntimeArgs("--shm-size", SharedMemory)
            // A published deployment has nobody who creates the database; the image does, from this variable.
            .WithEnvironment("POSTGRES_DB", Resources.Database)
            .PublishToCompose(choices, service =>
            {
                service.ShmSize = SharedMemory;
                service.Restart = ComposeTarget.Always;
                service.Healthcheck = ComposeTarget.Check(["CMD", "pg_isready", "-h", "127.0.0.1", "-U", "postgres", "-d", Resources.Database], every: "5s", patience: "60s");
            })
            .AddDatabase(Resources.Database);
}
