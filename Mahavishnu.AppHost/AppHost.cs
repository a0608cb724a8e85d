// The map of the system: a database, a model, the services over them, and the one door in front.
// What can be chosen on the command line is in Choices.cs; docs/deployment.md says when to choose what.
using Mahavishnu.AppHost;
using Mahavishnu.Contracts;

var builder = DistributedApplication.CreateBuilder(args);
var choices = Choices.Read(builder);
var key = builder.AddApiKey();
builder.AddComputeEnvironment(choices);

var database = builder.AddMemoryDatabase(choices);
var model = builder.AddEmbeddingModel(choices);

// Upgrades the schema and ends; the services start on a database that is ready for them.
var migrate = builder.AddProject<Projects.Mahavishnu_Migration_Service>("migrate")
    .WithArgs("--migrate").WithReferenceEnvironment(Services.Wiring)
    .WithReference(database).WaitFor(database)
    .PublishAsJob(choices);

// The write side: takes memories and repositories in, and embeds them.
var ingest = builder.AddProject<Projects.Mahavishnu_Ingest_Service>(Resources.Ingest)
    .AsService(choices, key).WithPoolFor(choices.Replicas)
    .WithReference(database).WithModel(model).WithReadableFolders(choices)
    .WaitForCompletion(migrate)
    .WithIndexCommand(key);

// The read side.
var search = builder.AddProject<Projects.Mahavishnu_Search_Service>(Resources.Search)
    .AsService(choices, key).WithPoolFor(choices.Replicas)
    .WithReference(database).WithModel(model)
    .WaitForCompletion(migrate);

// Imports, and the state of the schema.
var migration = builder.AddProject<Projects.Mahavishnu_Migration_Service>(Resources.Migration)
    .AsService(choices, key).WithPoolFor(replicas: 1)
    .WithReference(database).WithReadableFolders(choices)
    .WaitForCompletion(migrate)
    .WithImportCommand(key);

// The one door.
builder.AddProject<Projects.Mahavishnu_Gateway>(Resources.Gateway)
    .AsService(choices, key).AsPublicDoor(choices)
    .WithReference(ingest).WaitFor(ingest)
    .WithReference(search).WaitFor(search)
    .WithReference(migration).WaitFor(migration);

builder.Build().Run();
