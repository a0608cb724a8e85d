using Mahavishnu.Contracts;
using Npgsql;

namespace Mahavishnu.Storage.Tests;

/// <summary>Long work as rows: one at a time a subject, claimed, reported, cancelled, taken over.</summary>
public sealed class OperationStoreTests(PostgresFixture postgres)
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);
    private static readonly string[] Kinds = [OperationKinds.Repository];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_asks_for_work_that_is_under_way_gets_that_operation()
    {
        await using var stores = await Stores.CreateAsync(postgres);

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => StartAsync(stores, "repo", new { Path = $"/p{i}" })));
        var other = await StartAsync(stores, "another", new { Path = "/q" });

        Assert.Single(answers, a => a.Created);
        Assert.Single(answers.Select(a => a.Operation.Id).Distinct());
        Assert.Single(answers.Select(a => a.Input.GetProperty("path").GetString()).Distinct(StringComparer.Ordinal));
        Assert.True(other.Created);
        Assert.Equal((OperationStates.Queued, OperationKinds.Repository), (other.Operation.State, other.Operation.Kind));
    }

    [Fact]
    public async Task When_it_has_ended_the_same_work_can_be_asked_for_again()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var first = (await StartAsync(stores)).Operation.Id;
        await stores.Operations.FinishAsync((await ClaimAsync(stores))!, OperationStates.Completed, Progress(1), new { chunks = 3 }, null, Ct);

        var second = await StartAsync(stores);

        Assert.True(second.Created);
        Assert.NotEqual(first, second.Operation.Id);
    }

    [Fact]
    public async Task An_operation_is_claimed_by_one_worker_and_says_how_far_it_is()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var id = (await StartAsync(stores, input: new { Path = "/p" })).Operation.Id;

        var claims = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => ClaimAsync(stores)));

        var claim = Assert.Single(claims, c => c is not null)!;
        Assert.Equal((id, 1, "repo", "/p"), (claim.Id, claim.Attempt, claim.Subject, claim.Input.GetProperty("path").GetString()));
        Assert.True(await stores.Operations.ReportAsync(claim, new OperationProgress(3, 10, "chunks", null, "reading"), Lease, Ct));
        var operation = (await stores.Operations.FindAsync(id, Ct))!;
        Assert.Equal((OperationStates.Running, 3, 10, "chunks", "reading"), (operation.State, operation.Progress.Done, operation.Progress.Total, operation.Progress.Unit, operation.Progress.Message));
        Assert.NotNull(operation.StartedAt);

        await stores.Operations.FinishAsync(claim, OperationStates.Completed, Progress(10), new { chunks = 10 }, null, Ct);
        operation = (await stores.Operations.FindAsync(id, Ct))!;
        Assert.Equal((OperationStates.Completed, 10, 10), (operation.State, operation.Progress.Done, operation.Result!.Value.GetProperty("chunks").GetInt32()));
        Assert.NotNull(operation.FinishedAt);
        Assert.Null(await ClaimAsync(stores));
        Assert.Null(await stores.Operations.CancelAsync(id, Ct));
    }

    [Fact]
    public async Task Work_of_other_kinds_is_left_to_those_who_can_do_it()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        await StartAsync(stores);

        Assert.Null(await stores.Operations.ClaimAsync([OperationKinds.Import], Lease, Ct));
        Assert.NotNull(await stores.Operations.ClaimAsync([OperationKinds.Import, OperationKinds.Repository], Lease, Ct));
    }

    [Fact]
    public async Task An_operation_of_a_dead_worker_goes_on_elsewhere()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        await StartAsync(stores);
        var dead = (await ClaimAsync(stores))!;
        await stores.ExpireLeasesAsync();

        var heir = (await ClaimAsync(stores))!;

        Assert.Equal((dead.Id, 2), (heir.Id, heir.Attempt));
        Assert.False(await stores.Operations.ReportAsync(dead, Progress(1), Lease, Ct));
        await stores.Operations.FinishAsync(dead, OperationStates.Failed, Progress(1), null, new OperationError("x", "late"), Ct);
        await stores.Operations.ReleaseAsync(dead, Ct);
        Assert.True(await stores.Operations.ReportAsync(heir, Progress(2), Lease, Ct));
        Assert.Equal(OperationStates.Running, (await stores.Operations.FindAsync(heir.Id, Ct))!.State);
    }

    [Fact]
    public async Task An_operation_given_back_is_taken_up_at_once()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        await StartAsync(stores);

        await stores.Operations.ReleaseAsync((await ClaimAsync(stores))!, Ct);

        Assert.Equal(2, (await ClaimAsync(stores))!.Attempt);
    }

    [Fact]
    public async Task A_queued_operation_is_cancelled_at_once_and_a_running_one_is_asked_to_stop()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var queued = (await StartAsync(stores, "queued")).Operation.Id;

        Assert.Equal(OperationStates.Cancelled, (await stores.Operations.CancelAsync(queued, Ct))!.State);
        Assert.Null(await ClaimAsync(stores));

        var running = (await StartAsync(stores, "running")).Operation.Id;
        var claim = (await ClaimAsync(stores))!;
        Assert.Equal(OperationStates.Running, (await stores.Operations.CancelAsync(running, Ct))!.State);
        Assert.False(await stores.Operations.ReportAsync(claim, Progress(1), Lease, Ct));
        await stores.Operations.FinishAsync(claim, OperationStates.Cancelled, Progress(1), null, new OperationError(ErrorCodes.Cancelled, "Cancelled."), Ct);
        Assert.Equal((OperationStates.Cancelled, ErrorCodes.Cancelled), ((await stores.Operations.FindAsync(running, Ct))!.State, (await stores.Operations.FindAsync(running, Ct))!.Error!.Code));
        Assert.Null(await stores.Operations.CancelAsync(Guid.CreateVersion7(), Ct));
    }

    [Fact]
    public async Task An_ended_operation_can_be_retried_from_the_beginning()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var id = (await StartAsync(stores)).Operation.Id;
        Assert.Null(await stores.Operations.RetryAsync(id, Ct));
        await stores.Operations.FinishAsync((await ClaimAsync(stores))!, OperationStates.Failed, Progress(5), null, new OperationError("x", "no \0 luck"), Ct);
        Assert.Equal("no  luck", (await stores.Operations.FindAsync(id, Ct))!.Error!.Message);

        var retried = (await stores.Operations.RetryAsync(id, Ct))!;

        Assert.Equal((OperationStates.Queued, 0L, null, null), (retried.State, retried.Progress.Done, retried.Error, retried.FinishedAt));
        var claim = (await ClaimAsync(stores))!;
        Assert.Equal((id, 1), (claim.Id, claim.Attempt));
    }

    [Fact]
    public async Task An_operation_cannot_be_retried_while_its_successor_is_at_work()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var id = (await StartAsync(stores)).Operation.Id;
        await stores.Operations.CancelAsync(id, Ct);
        await StartAsync(stores);

        var refusal = await Assert.ThrowsAsync<PostgresException>(() => stores.Operations.RetryAsync(id, Ct));

        Assert.Equal(PostgresErrorCodes.UniqueViolation, refusal.SqlState);
    }

    [Fact]
    public async Task Pages_show_each_operation_once_and_the_newest_first()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var ids = new List<Guid>();
        for (var i = 0; i < 7; i++)
        {
            ids.Insert(0, (await StartAsync(stores, $"repo {i}")).Operation.Id);
        }

        // Several of one moment: the id decides.
        await stores.Database.ExecuteAsync("UPDATE operations SET created_at = '2026-01-01'");
        var seen = new List<Guid>();
        IReadOnlyList<Operation> page;
        do
        {
            page = await stores.Operations.ListAsync(null, null, seen.Count == 0 ? null : seen[^1], 3, Ct);
            seen.AddRange(page.Select(o => o.Id));
        }
        while (page.Count > 0);

        Assert.Equal(ids.Order(), seen.Order());
        await stores.Operations.CancelAsync(ids[0], Ct);
        Assert.Equal(ids[0], Assert.Single(await stores.Operations.ListAsync(OperationKinds.Repository, OperationStates.Cancelled, null, 10, Ct)).Id);
        Assert.Empty(await stores.Operations.ListAsync(OperationKinds.Import, null, null, 10, Ct));
    }

    private static OperationProgress Progress(long done) => new(done, null, "items", null, null);

    private static Task<(Operation Operation, bool Created, System.Text.Json.JsonElement Input)> StartAsync(Stores stores, string subject = "repo", object? input = null) =>
        stores.Operations.StartAsync(OperationKinds.Repository, subject, input ?? new { }, Ct);

    private static Task<ClaimedOperation?> ClaimAsync(Stores stores) => stores.Operations.ClaimAsync(Kinds, Lease, Ct);
}
