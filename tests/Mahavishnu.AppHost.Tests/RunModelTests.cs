using System.Net;
using System.Net.Http.Headers;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Mahavishnu.Contracts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mahavishnu.AppHost.Tests;

/// <summary>What <c>aspire run</c> starts.</summary>
public sealed class RunModelTests
{
    private static readonly string[] Programs = [Resources.Gateway, Resources.Ingest, "migrate", Resources.Migration, Resources.Search];

    [Fact]
    public async Task The_usual_system_is_a_database_a_model_and_the_services()
    {
        await using var model = await Model.RunAsync();

        Assert.Equal(new[] { Resources.EmbeddingModel, Resources.Database, "ollama", "postgres" }.Concat(Programs).Order(StringComparer.Ordinal), model.Names);
        var postgres = model["postgres"].Annotations.OfType<ContainerImageAnnotation>().Single();
        Assert.Equal(("pgvector/pgvector", "pg17"), (postgres.Image, postgres.Tag));
        // Version 17 keeps its data here; the next one elsewhere.
        Assert.Equal("/var/lib/postgresql/data", model["postgres"].Annotations.OfType<ContainerMountAnnotation>().Single().Target);
        Assert.Equal("nomic-embed-text", ((OllamaModelResource)model[Resources.EmbeddingModel]).ModelName);
        Assert.NotEmpty(model["ollama"].Annotations.OfType<ContainerMountAnnotation>());
    }

    [Fact]
    public async Task A_local_database_needs_no_container_engine()
    {
        await using var model = await Model.RunAsync("--Database=local");

        Assert.DoesNotContain(model.Resources, r => r.IsContainer());
        var server = Assert.IsType<ExecutableResource>(model["postgres"]);
        Assert.Equal("bash", server.Command);
        Assert.True(File.Exists(Path.Combine(server.WorkingDirectory, "local.sh")), server.WorkingDirectory);
        Assert.Equal(["local.sh", "run", Resources.Database], await model.ArgumentsAsync("postgres"));
        Assert.Equal([("postgres", WaitType.WaitUntilHealthy)], model.Waits(Resources.Database));
        Assert.NotEmpty(server.Annotations.OfType<HealthCheckAnnotation>());
        Assert.Equal(Programs.Order(StringComparer.Ordinal), model.Resources.OfType<ProjectResource>().Select(p => p.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_given_database_and_a_given_model_are_used_as_they_are()
    {
        await using var model = await Model.RunAsync("--ConnectionStrings:mahavishnu=Host=db.example;Database=memories", "--ConnectionStrings:embed=Endpoint=http://models.example:11434;Model=bge-m3");

        Assert.DoesNotContain(model.Resources, r => r.IsContainer());
        var ingest = await model.EnvironmentAsync(Resources.Ingest);
        Assert.Equal("Host=db.example;Database=memories", ingest["ConnectionStrings__mahavishnu"]);
        Assert.Equal("Endpoint=http://models.example:11434;Model=bge-m3", ingest["ConnectionStrings__embed"]);
        Assert.Equal("ollama", ingest["Embedding__Provider"]);
    }

    [Fact]
    public async Task The_schema_is_upgraded_once_before_the_services_start()
    {
        await using var model = await Model.RunAsync();

        Assert.Equal(["--migrate"], await model.ArgumentsAsync("migrate"));
        Assert.Contains((Resources.Database, WaitType.WaitUntilHealthy), model.Waits("migrate"));
        foreach (var service in new[] { Resources.Ingest, Resources.Search, Resources.Migration })
        {
            Assert.Contains(("migrate", WaitType.WaitForCompletion), model.Waits(service));
            // Memories are taken and found by their words without a model.
            Assert.DoesNotContain(model.Waits(service), w => w.On is "ollama" or Resources.EmbeddingModel);
        }

        Assert.Equal(
            [Resources.Ingest, Resources.Migration, Resources.Search],
            model.Waits(Resources.Gateway).Where(w => w.Type == WaitType.WaitUntilHealthy).Select(w => w.On));
    }

    [Fact]
    public async Task Services_get_their_connections_as_they_read_them()
    {
        await using var model = await Model.RunAsync();

        foreach (var program in Programs.Except([Resources.Gateway], StringComparer.Ordinal))
        {
            var environment = await model.EnvironmentAsync(program);
            Assert.Matches("^Host=localhost;Port=4[0-9]{4};Username=postgres;Password=s3cret;Database=mahavishnu$", environment["ConnectionStrings__mahavishnu"]);
            // The same once more in parts would be read as the plan's MAHAVISHNU_PG_*, or by nobody.
            Assert.DoesNotContain(environment.Keys, k => k.StartsWith("MAHAVISHNU_", StringComparison.Ordinal));
        }

        foreach (var program in new[] { Resources.Ingest, Resources.Search })
        {
            var environment = await model.EnvironmentAsync(program);
            Assert.Matches("^Endpoint=http://localhost:4[0-9]{4};Model=nomic-embed-text$", environment["ConnectionStrings__embed"]);
            Assert.Equal(("ollama", "false"), (environment["Embedding__Provider"], environment["Embedding__Pull"]));
        }
    }

    [Fact]
    public async Task The_gateway_knows_every_service_and_no_database()
    {
        await using var model = await Model.RunAsync();

        var environment = await model.EnvironmentAsync(Resources.Gateway);
        foreach (var service in Resources.Routes.Values.Distinct(StringComparer.Ordinal))
        {
            Assert.Matches("^http://localhost:4[0-9]{4}$", environment[$"services__{service}__http__0"]);
        }

        Assert.DoesNotContain(environment.Keys, k => k.StartsWith("ConnectionStrings__", StringComparison.Ordinal));
        Assert.True(model[Resources.Gateway].Annotations.OfType<EndpointAnnotation>().Single().IsExternal);
        Assert.DoesNotContain(model.Resources.Where(r => r.Name != Resources.Gateway).SelectMany(r => r.Annotations.OfType<EndpointAnnotation>()), e => e.IsExternal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task One_number_says_how_many_processes_share_a_part_of_the_pool(int replicas)
    {
        await using var model = await Model.RunAsync($"--Services:Replicas={replicas}");

        foreach (var service in new[] { Resources.Ingest, Resources.Search })
        {
            Assert.Equal(replicas, model[service].GetReplicaCount());
            Assert.Equal($"{replicas}", (await model.EnvironmentAsync(service))["Database__Replicas"]);
        }

        Assert.Equal(1, model[Resources.Migration].GetReplicaCount());
        Assert.Equal("1", (await model.EnvironmentAsync(Resources.Migration))["Database__Replicas"]);
        Assert.Equal(1, model["migrate"].GetReplicaCount());
    }

    [Fact]
    public async Task Every_service_is_asked_for_its_health_and_has_addresses_with_names()
    {
        await using var model = await Model.RunAsync();

        foreach (var service in Programs.Except(["migrate"], StringComparer.Ordinal))
        {
            Assert.NotEmpty(model[service].Annotations.OfType<HealthCheckAnnotation>());
            Assert.NotEmpty(model[service].Annotations.OfType<ResourceUrlsCallbackAnnotation>());
        }
    }

    [Fact]
    public async Task The_dashboard_can_run_an_import()
    {
        await using var model = await Model.RunAsync();

        var import = model[Resources.Migration].Annotations.OfType<ResourceCommandAnnotation>().Single(c => c.Name == "import");
        Assert.Equal("paths", Assert.Single(import.Arguments).Name);
    }

    [Theory]
    [InlineData("", """{"kind":null}""")]
    [InlineData("ivfflat", """{"kind":"ivfflat"}""")]
    public async Task The_dashboard_can_build_a_vector_index(string kind, string body)
    {
        await using var model = await Model.RunAsync("--Parameters:api-key=choose-one");
        var index = model[Resources.Ingest].Annotations.OfType<ResourceCommandAnnotation>().Single(c => c.Name == "index");
        Assert.Equal(["space", "kind"], index.Arguments.Select(a => a.Name));
        Assert.Equal(["", .. VectorIndexKinds.All], index.Arguments[1].Options!.Select(o => o.Key));
        var asked = new Listening();
        await using var services = new ServiceCollection().ConfigureHttpClientDefaults(c => c.ConfigurePrimaryHttpMessageHandler(() => asked)).AddHttpClient().BuildServiceProvider();

        var result = await index.ExecuteCommand(new ExecuteCommandContext
        {
            Services = services,
            ResourceName = Resources.Ingest,
            Logger = NullLogger.Instance,
            CancellationToken = TestContext.Current.CancellationToken,
            Arguments = new([Given("space", "7"), Given("kind", kind)]),
        });

        Assert.True(result.Success, result.Message);
        Assert.Equal(("POST", "/api/v1/embeddings/7:index", "Bearer choose-one", body), asked.Request);

        static InteractionInput Given(string name, string value) => new() { Name = name, InputType = InputType.Text, Value = value };
    }

    [Theory]
    [InlineData("nvidia", "--gpus")]
    [InlineData("amd", "--device")]
    public async Task A_graphics_card_is_a_switch(string vendor, string argument)
    {
        await using var model = await Model.RunAsync($"--Ollama:Gpu={vendor}");

        Assert.Contains(argument, await RuntimeArgumentsAsync(model["ollama"]));
    }

    [Fact]
    public async Task Without_the_switch_no_graphics_card_is_asked_for_and_the_database_has_shared_memory()
    {
        await using var model = await Model.RunAsync();

        Assert.Empty(await RuntimeArgumentsAsync(model["ollama"]));
        Assert.Equal(["--shm-size", "1gb"], await RuntimeArgumentsAsync(model["postgres"]));
    }

    [Fact]
    public async Task A_key_is_a_choice_while_everything_stays_on_loopback()
    {
        await using var open = await Model.RunAsync();
        await using var closed = await Model.RunAsync("--Parameters:api-key=choose-one");

        Assert.DoesNotContain("Auth__ApiKey", (await open.EnvironmentAsync(Resources.Gateway)).Keys);
        foreach (var service in Programs.Except(["migrate"], StringComparer.Ordinal))
        {
            Assert.Equal("choose-one", (await closed.EnvironmentAsync(service))["Auth__ApiKey"]);
        }
    }

    private static async Task<IReadOnlyList<object>> RuntimeArgumentsAsync(IResource resource)
    {
        var arguments = new List<object>();
        foreach (var callback in resource.Annotations.OfType<ContainerRuntimeArgsCallbackAnnotation>())
        {
            await callback.Callback(new ContainerRuntimeArgsCallbackContext(arguments, TestContext.Current.CancellationToken));
        }

        return arguments;
    }

    /// <summary>In the service's place: keeps what it was asked.</summary>
    private sealed class Listening : HttpMessageHandler
    {
        public (string Method, string Path, string? Authorization, string Body) Request { get; private set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Request = (request.Method.Method, request.RequestUri!.AbsolutePath, request.Headers.Authorization?.ToString(), await request.Content!.ReadAsStringAsync(cancellationToken));
            return new HttpResponseMessage(HttpStatusCode.Accepted) { Content = new StringContent("{}", MediaTypeHeaderValue.Parse("application/json")) };
        }
    }
}
