using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Mahavishnu.Contracts;
using Mahavishnu.EndToEnd.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace Mahavishnu.AppHost.Tests;

/// <summary>The whole of Mahavishnu as <c>aspire run</c> starts it, on a given database.</summary>
public sealed class AspireSystem(string connectionString, string roots, params (string Name, string? Value)[] settings) : MahavishnuSystem(connectionString, roots, settings)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static readonly string[] Programs = [Resources.Gateway, Resources.Ingest, Resources.Search, Resources.Migration];
    private readonly string _connectionString = connectionString;
    private DistributedApplication? _app;

    public override int DatabaseProcesses => 3;

    // The orchestrator keeps what the processes write to itself.
    public override string Output => "";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public override async Task StartAsync()
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Mahavishnu_AppHost>(
            [$"--ConnectionStrings:{Resources.Database}={_connectionString}", "--Embedding:Provider=builtin", "--Services:Replicas=1"], Ct);
        foreach (var program in builder.Resources.OfType<ProjectResource>())
        {
            var resource = builder.CreateResourceBuilder(program);
            foreach (var (name, value) in Environment.Where(v => !v.Key.StartsWith("ConnectionStrings__", StringComparison.Ordinal)))
            {
                resource.WithEnvironment(name, value);
            }
        }

        _app = await builder.BuildAsync(Ct);
        await _app.StartAsync(Ct);
        await _app.ResourceNotifications.WaitForResourceHealthyAsync(Resources.Gateway, Ct).WaitAsync(Patience, Ct);
        Connect(_app.GetEndpoint(Resources.Gateway, "http"));
        await WaitUntilReadyAsync();
    }

    public override Task KillAsync() => CommandAsync(Resources.Ingest, KnownResourceCommands.StopCommand);

    public override async Task RestartAsync()
    {
        await CommandAsync(Resources.Ingest, KnownResourceCommands.StartCommand);
        await WaitUntilReadyAsync();
    }

    public override async Task<IReadOnlyList<int>> StopAsync()
    {
        var codes = new List<int>();
        foreach (var program in Programs)
        {
            await CommandAsync(program, KnownResourceCommands.StopCommand);
            var ended = await _app!.ResourceNotifications.WaitForResourceAsync(program, e => KnownResourceStates.TerminalStates.Contains(e.Snapshot.State?.Text, StringComparer.Ordinal), Ct).WaitAsync(Patience, Ct);
            codes.Add(ended.Snapshot.ExitCode ?? 0);
        }

        return codes;
    }

    public override async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }

    private async Task CommandAsync(string resource, string command)
    {
        var services = _app!.Services;
        var program = services.GetRequiredService<DistributedApplicationModel>().Resources.Single(r => r.Name == resource);
        var done = await services.GetRequiredService<ResourceCommandService>().ExecuteCommandAsync(program, command, Ct);
        Assert.True(done.Success, $"{command} of {resource}: {done.Message}");
    }
}
