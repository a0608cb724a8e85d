using System.Text.Json.Nodes;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli.Tests;

/// <summary><c>mahavishnu workflow …</c> against a service that runs.</summary>
[Collection(EnvironmentCollection.Name)]
public sealed class WorkflowVerbTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Executions_are_listed_shown_and_recalled()
    {
        await using var service = await RunningService.StartAsync(postgres);
        Assert.Contains("nothing like it was done before", (await service.RunAsync("workflow", "recall", "import", "files")).Error, StringComparison.Ordinal);
        Assert.Contains("there is no such execution", (await service.RunAsync("workflow", "list")).Error, StringComparison.Ordinal);
        var workflows = new WorkflowsClient(service.Http);
        var run = new NewWorkflow { WorkflowId = "nightly", Adapter = "prefect", Goal = "Import the night's files", ProjectId = "p", Repos = ["shop"], Status = "completed", DurationSeconds = 12.25 };
        var done = await workflows.AddAsync(run, Ct);
        var failed = await workflows.AddAsync(run with { Status = "failed", Error = "disk full" }, Ct);

        var list = await service.RunAsync("workflow", "list", "--status", "failed", "--project", "p", "--adapter", "prefect", "--repo", "shop", "--workflow", "nightly");
        Assert.Contains(failed.Id.ToString(), list.Out, StringComparison.Ordinal);
        Assert.DoesNotContain(done.Id.ToString(), list.Out, StringComparison.Ordinal);

        var shown = await service.RunAsync("workflow", "show", failed.Id.ToString());
        Assert.Contains("workflow  nightly (prefect)\nstatus    failed\ngoal      Import the night's files\nrepos     shop\n", shown.Out, StringComparison.Ordinal);
        Assert.Contains("error     disk full\n", shown.Out, StringComparison.Ordinal);

        var recalled = await service.RunAsync("workflow", "recall", "import", "files", "--repo", "shop");
        Assert.Equal(ExitCode.Done, recalled.Code);
        Assert.Contains(" 1. Import the night's files  nightly", recalled.Out, StringComparison.Ordinal);
        Assert.Contains("2 runs: 1 completed, 1 failed, 0 cancelled, 0 not over; ", recalled.Out, StringComparison.Ordinal);
        Assert.Contains(", in 12.3 s in the middle; last ", recalled.Out, StringComparison.Ordinal);
        Assert.Contains($"{failed.Id}: disk full\n", recalled.Out, StringComparison.Ordinal);
        Assert.Contains($" {done.Id}\n", recalled.Out, StringComparison.Ordinal);

        var json = JsonNode.Parse((await service.RunAsync("workflow", "recall", "import", "--json", "--limit", "1")).Out)!;
        Assert.Equal((0.5, 2), ((double)json["groups"]![0]!["successRate"]!, (int)json["groups"]![0]!["runs"]!));
        Assert.Equal((string)json["groups"]![0]!["lastSuccess"]!["id"]!, (string)JsonNode.Parse((await service.RunAsync("workflow", "list", "--json", "--status", "completed")).Out)!["items"]![0]!["id"]!);
    }

    [Theory]
    [InlineData("list --status done", "--status 'done' is not one of pending, running, completed, failed, cancelled.")]
    [InlineData("show 42", "ID '42' is not an id")]
    [InlineData("recall x --limit 51", "--limit must be between 1 and 50.")]
    public async Task Wrong_usage_is_said_in_a_sentence(string arguments, string said)
    {
        var run = await Cli.RunAsync(["workflow", .. arguments.Split(' ')]);

        Assert.Equal(ExitCode.WrongUsage, run.Code);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
    }
}
