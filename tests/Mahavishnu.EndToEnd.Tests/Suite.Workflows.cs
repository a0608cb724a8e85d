using Mahavishnu.Contracts;

namespace Mahavishnu.EndToEnd.Tests;

public abstract partial class Suite
{
    [Fact]
    public async Task Whoever_has_done_something_like_it_before_learns_how_often_it_worked_and_what_failed()
    {
        var workflows = new WorkflowsClient(System.Http);
        var (project, name) = (Unique("work"), Unique("import"));
        NewWorkflow Run() => new() { WorkflowId = name, Adapter = "prefect", Goal = "Import the invoices of the billing service", ProjectId = project, Repos = ["billing"] };

        var done = await workflows.FinishAsync((await workflows.AddAsync(Run(), Ct)).Id, ct: Ct);
        var failed = await workflows.FailAsync((await workflows.AddAsync(Run(), Ct)).Id, new FailWorkflowRequest { Error = "the invoice server did not answer" }, Ct);
        await workflows.CancelAsync((await workflows.AddAsync(Run(), Ct)).Id, ct: Ct);
        await workflows.AddAsync(Run() with { WorkflowId = Unique("bread"), Goal = "Bake bread", Status = WorkflowStatuses.Completed, DurationSeconds = 3 }, Ct);
        await EmbeddedAsync(done.Id);
        await EmbeddedAsync(failed.Id);

        var recalled = await workflows.RecallAsync(new RecallRequest { Goal = "import invoices", ProjectId = project, RepoId = "billing", Limit = 1 }, Ct);

        var group = Assert.Single(recalled.Groups);
        Assert.Equal((name, 3, 1, 1, 1, 0.5), (group.WorkflowId, group.Runs, group.Completed, group.Failed, group.Cancelled, group.SuccessRate));
        Assert.Equal((failed.Id, "the invoice server did not answer"), (group.LastFailures.Single().Id, group.LastFailures[0].Error));
        Assert.Equal(done.Id, group.LastSuccess!.Id);
        Assert.Equal(WorkflowStatuses.Failed, (await workflows.GetAsync(failed.Id, Ct)).Status);
        Assert.Equal(4, (await workflows.ListAsync([new("projectId", project)], Ct)).Items.Count);
        // It is a memory like any other, too.
        var found = await System.Search.SearchAsync(new SearchRequest { Query = "invoice server", ProjectId = project, Types = [MemoryTypes.Workflow], Mode = SearchModes.Text, Limit = 1 }, Ct);
        Assert.Equal(failed.Id, Assert.Single(found.Hits).Id);
    }
}
