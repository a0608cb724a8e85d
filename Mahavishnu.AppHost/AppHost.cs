// The map of the system: a database, a model, three services over them, and the one door in front.
using Mahavishnu.Contracts;

var builder = DistributedApplication.CreateBuilder(args);

// The image before the volume: where the data lies in the container follows from the image's tag.
var postgres = builder.AddPostgres("postgres")
    .WithImage("pgvector/pgvector", "pg17")
    .WithDataVolume()
    // A published deployment has nobody who creates the database; the image does, from this variable.
    .WithEnvironment("POSTGRES_DB", Resources.Database);
var database = postgres.AddDatabase(Resources.Database);

var model = builder.AddOllama("ollama")
    .WithDataVolume()
    .AddModel("embed", "nomic-embed-text");

// Upgrades the schema and ends; the services start on a database that is ready for them.
var migrate = builder.AddProject<Projects.Mahavishnu_Migration_Service>("migrate")
    .WithArgs("--migrate")
    .WithReference(database)
    .WaitFor(database);

var migration = Service(builder.AddProject<Projects.Mahavishnu_Migration_Service>(Resources.Migration));
var ingest = Embedding(Service(builder.AddProject<Projects.Mahavishnu_Ingest_Service>(Resources.Ingest)));
var search = Embedding(Service(builder.AddProject<Projects.Mahavishnu_Search_Service>(Resources.Search)));

var gateway = builder.AddProject<Projects.Mahavishnu_Gateway>(Resources.Gateway)
    .WithHttpEndpoint()
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health/ready")
    .WithReference(ingest).WaitFor(ingest)
    .WithReference(search).WaitFor(search)
    .WithReference(migration).WaitFor(migration)
    .WithUrlForEndpoint("http", url => url.DisplayText = "API")
    .WithUrlForEndpoint("http", _ => new ResourceUrlAnnotation { Url = "/scalar", DisplayText = "API page" });

// In containers everything listens beyond loopback, which needs a key; run from here, everything stays on loopback.
if (builder.ExecutionContext.IsPublishMode)
{
    var key = builder.AddParameter("api-key", secret: true);
    foreach (var service in new[] { migration, ingest, search, gateway })
    {
        service.WithEnvironment("Auth__ApiKey", key);
    }
}

builder.Build().Run();

IResourceBuilder<ProjectResource> Service(IResourceBuilder<ProjectResource> project) => project
    .WithHttpEndpoint()
    .WithHttpHealthCheck("/health/ready")
    .WithReference(database)
    .WaitForCompletion(migrate);

// Ollama is part of this map: where it is slow to come up, services wait for it and do not take the built-in model instead.
IResourceBuilder<ProjectResource> Embedding(IResourceBuilder<ProjectResource> service) => service
    .WithReference(model)
    .WithEnvironment("Embedding__Provider", EmbeddingProviders.Ollama);
