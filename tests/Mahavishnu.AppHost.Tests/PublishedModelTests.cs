using System.Reflection;
using Aspire.Hosting.ApplicationModel;
using Mahavishnu.Contracts;

namespace Mahavishnu.AppHost.Tests;

/// <summary>What is published, and that <c>infra/compose</c> is it.</summary>
public sealed class PublishedModelTests
{
    private static readonly string[] Services = [Resources.Gateway, Resources.Ingest, Resources.Migration, Resources.Search];

    [Fact]
    public async Task The_compose_file_of_the_repository_is_the_published_one()
    {
        var folder = Directory.CreateTempSubdirectory("mahavishnu-publish-").FullName;
        try
        {
            await PublishAsync(folder);

            Approved.Equal(await File.ReadAllTextAsync(Path.Combine(folder, "docker-compose.yaml"), TestContext.Current.CancellationToken), "../../infra/compose/docker-compose.yaml");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("compose")]
    [InlineData("azure")]
    public async Task Secrets_are_left_to_the_deployment(string target)
    {
        await using var model = await Model.PublishAsync($"--Publish:Target={target}", "--Parameters:api-key=hunter2", "--Parameters:postgres-password=hunter3");

        foreach (var service in Services)
        {
            var environment = await model.EnvironmentAsync(service);
            Assert.Equal("{api-key.value}", environment["Auth__ApiKey"]);
            Assert.DoesNotContain(environment.Values, v => v.Contains("hunter", StringComparison.Ordinal));
        }

        Assert.DoesNotContain((await model.EnvironmentAsync("migrate")).Values, v => v.Contains("hunter", StringComparison.Ordinal));
        Assert.All(model.Resources.OfType<ParameterResource>().Where(p => p.Name is "api-key" or "postgres-password"), p => Assert.True(p.Secret));
    }

    [Fact]
    public async Task What_is_published_brings_what_nobody_would_do_by_hand()
    {
        await using var model = await Model.PublishAsync();

        // The database is made by the image, the model fetched by the services.
        Assert.Equal(Resources.Database, (await model.EnvironmentAsync("postgres"))["POSTGRES_DB"]);
        Assert.Equal("true", (await model.EnvironmentAsync(Resources.Ingest))["Embedding__Pull"]);
        Assert.Equal("true", (await model.EnvironmentAsync(Resources.Search))["Embedding__Pull"]);
    }

    [Fact]
    public async Task A_given_database_is_asked_for_when_it_is_deployed()
    {
        await using var model = await Model.PublishAsync("--Database=given");

        Assert.DoesNotContain(model.Resources, r => r.Name == "postgres");
        Assert.Equal("{mahavishnu.connectionString}", (await model.EnvironmentAsync(Resources.Ingest))["ConnectionStrings__mahavishnu"]);
    }

    [Theory]
    [InlineData("compose", "compose")]
    [InlineData("azure", "cloud")]
    public async Task A_published_system_has_one_place_to_run(string target, string environment)
    {
        await using var model = await Model.PublishAsync($"--Publish:Target={target}");

        Assert.Equal(environment, Assert.Single(model.Resources.OfType<IComputeEnvironmentResource>()).Name);
    }

    [Fact]
    public async Task Azures_own_tool_gets_Azure_without_asking()
    {
        await using var model = await Model.AzdAsync();

        Assert.Contains(model.Resources, r => r.Name == "cloud");
    }

    /// <summary>The whole way, as <c>aspire publish</c> goes it: only this writes the files.</summary>
    private static async Task PublishAsync(string folder)
    {
        var main = Assembly.Load("Mahavishnu.AppHost").EntryPoint!;
        await Task.Run(() => main.Invoke(null, [new[] { "--operation", "publish", "--step", "publish", "--output-path", folder }]), TestContext.Current.CancellationToken);
    }
}
