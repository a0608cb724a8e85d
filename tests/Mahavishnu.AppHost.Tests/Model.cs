using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;

// The AppHost reads the environment, and starting it takes all there is.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace Mahavishnu.AppHost.Tests;

/// <summary>The AppHost's model, built and not started: neither orchestrator nor container engine is asked.</summary>
internal sealed class Model : IAsyncDisposable
{
    private readonly DistributedApplication _app;

    private Model(IResourceCollection resources, DistributedApplication app)
    {
        Resources = [.. resources];
        _app = app;
    }

    public IReadOnlyList<IResource> Resources { get; }

    public static async Task<Model> RunAsync(params string[] args)
    {
        var model = await BuildAsync(["--Parameters:postgres-password=s3cret", .. args]);
        // What the orchestrator would have decided.
        var port = 40_000;
        foreach (var endpoint in model.Resources.SelectMany(r => r.Annotations.OfType<EndpointAnnotation>()))
        {
            endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, "localhost", port++, targetPortExpression: "8080");
        }

        return model;
    }

    public static Task<Model> PublishAsync(params string[] args) =>
        BuildAsync(["--operation", "publish", "--step", "publish", "--output-path", Path.GetTempPath(), .. args]);

    /// <summary>As <c>azd</c> asks for it.</summary>
    public static Task<Model> AzdAsync() => BuildAsync(["--publisher", "manifest", "--output-path", Path.Combine(Path.GetTempPath(), "mahavishnu-manifest.json")]);

    private static async Task<Model> BuildAsync(string[] args)
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Mahavishnu_AppHost>(args, TestContext.Current.CancellationToken);
        return new Model(builder.Resources, await builder.BuildAsync(TestContext.Current.CancellationToken));
    }

    public IResource this[string name] => Resources.Single(r => r.Name == name);

    /// <summary>What the diagram shows; parameters, and Aspire's own helper beside each project, are not in it.</summary>
    public IEnumerable<string> Names => Resources.Where(r => r is not ParameterResource && !r.Name.EndsWith("-rebuilder", StringComparison.Ordinal)).Select(r => r.Name).Order(StringComparer.Ordinal);

    /// <summary>As the process gets them, or, published, as the deployment is to fill them in: <c>{postgres-password.value}</c>.</summary>
    public async Task<IReadOnlyDictionary<string, string>> EnvironmentAsync(string name) =>
        (await ConfigurationAsync(name)).EnvironmentVariables.ToDictionary(v => v.Key, v => v.Value, StringComparer.Ordinal);

    public async Task<IReadOnlyList<string>> ArgumentsAsync(string name) => [.. (await ConfigurationAsync(name)).Arguments.Select(a => a.Value)];

    public IReadOnlyList<(string On, WaitType Type)> Waits(string name) =>
        [.. this[name].Annotations.OfType<WaitAnnotation>().Select(w => (w.Resource.Name, w.WaitType)).Distinct().OrderBy(w => w.Name, StringComparer.Ordinal)];

    private async Task<IExecutionConfigurationResult> ConfigurationAsync(string name)
    {
        var result = await ExecutionConfigurationBuilder.Create(this[name]).WithEnvironmentVariablesConfig().WithArgumentsConfig()
            .BuildAsync(_app.Services.GetRequiredService<DistributedApplicationExecutionContext>(), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Null(result.Exception);
        return result;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
