using Mahavishnu.Contracts;
using Microsoft.Extensions.DependencyInjection;

namespace Mahavishnu.Storage.Tests;

/// <summary>Long work in the hands of a process: done, reported, cancelled, failed, handed over.</summary>
public sealed class OperationWorkerTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Does what its input says, and tells when it has begun.</summary>
    private sealed class Handler(Script script) : IOperationHandler
    {
        public string Kind => OperationKinds.Index;

        public Task<object?> RunAsync(OperationRun run, CancellationToken ct) => script.Run(run, ct);
    }

    private sealed record Script(Func<OperationRun, CancellationToken, Task<object?>> Run);

    private sealed record Wish(string Text);

    [Fact]
    public async Task Work_is_done_and_its_result_kept()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        await using var host = await StartAsync(stores, (run, _) =>
        {
            run.Report(2, 2, "words", "almost");
            return Task.FromResult<object?>(new { said = run.Input<Wish>().Text, run.Subject, run.Attempt, run.Id });
        });

        var ended = await EndAsync(stores, await BeginAsync(stores));

        Assert.Equal((OperationStates.Completed, 2, "words", "almost"), (ended.State, ended.Progress.Done, ended.Progress.Unit, ended.Progress.Message));
        var result = ended.Result!.Value;
        Assert.Equal(("hello", "subject", 1, ended.Id), (result.GetProperty("said").GetString(), result.GetProperty("subject").GetString(), result.GetProperty("attempt").GetInt32(), result.GetProperty("id").GetGuid()));
    }

    [Fact]
    public async Task Progress_can_be_read_while_the_work_goes_on_and_a_cancel_ends_it()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        await using var host = await StartAsync(stores, async (run, ct) =>
        {
            run.Report(1, 3, "steps");
            await Task.Delay(Timeout.Infinite, ct);
            return null;
        });
        var id = await BeginAsync(stores);

        await Eventually.Async(async () => await stores.Operations.FindAsync(id, Ct), o => o!.Progress is { Done: 1, Total: 3 }, "The report");
        await stores.Operations.CancelAsync(id, Ct);

        Assert.Equal((OperationStates.Cancelled, ErrorCodes.Cancelled), ((await EndAsync(stores, id)).State, (await stores.Operations.FindAsync(id, Ct))!.Error!.Code));
    }

    [Fact]
    public async Task A_failure_worth_telling_is_told_and_a_bug_does_not_end_the_worker()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        await using var host = await StartAsync(stores, (run, _) => run.Subject switch
        {
            "told" => throw new OperationFailedException(ErrorCodes.OutsideRoots, "not there"),
            "bug" => throw new InvalidOperationException("oh \0 no"),
            _ => Task.FromResult<object?>(null),
        });

        var told = await EndAsync(stores, await BeginAsync(stores, "told"));
        var bug = await EndAsync(stores, await BeginAsync(stores, "bug"));
        var fine = await EndAsync(stores, await BeginAsync(stores, "fine"));

        Assert.Equal((OperationStates.Failed, new OperationError(ErrorCodes.OutsideRoots, "not there")), (told.State, told.Error));
        Assert.Equal((OperationStates.Failed, new OperationError(ErrorCodes.Internal, "oh  no")), (bug.State, bug.Error));
        Assert.Equal((OperationStates.Completed, null), (fine.State, fine.Result));
    }

    [Fact]
    public async Task A_process_that_stops_hands_its_work_over()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var begun = new TaskCompletionSource();
        var first = await StartAsync(stores, async (_, ct) =>
        {
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, ct);
            return null;
        });
        var id = await BeginAsync(stores);
        await begun.Task.WaitAsync(Ct);

        await first.DisposeAsync();
        Assert.Equal(OperationStates.Queued, (await stores.Operations.FindAsync(id, Ct))!.State);
        await using var second = await StartAsync(stores, (run, _) => Task.FromResult<object?>(new { run.Attempt }));

        Assert.Equal(2, (await EndAsync(stores, id)).Result!.Value.GetProperty("attempt").GetInt32());
    }

    [Fact]
    public async Task Work_whose_claim_was_lost_is_stopped()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var begun = new TaskCompletionSource();
        var stopped = new TaskCompletionSource();
        await using var host = await StartAsync(stores, async (_, ct) =>
        {
            begun.TrySetResult();
            await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            stopped.TrySetResult();
            ct.ThrowIfCancellationRequested();
            return null;
        });
        var id = await BeginAsync(stores);
        await begun.Task.WaitAsync(Ct);

        await stores.Database.ExecuteAsync("UPDATE operations SET claim = gen_random_uuid(), claimed_until = 'infinity'");

        await stopped.Task.WaitAsync(Ct);
        Assert.Equal(OperationStates.Running, (await stores.Operations.FindAsync(id, Ct))!.State);
    }

    private static Task<TestHost> StartAsync(Stores stores, Func<OperationRun, CancellationToken, Task<object?>> run) => TestHost.StartAsync(
        stores.Database.ConnectionString,
        builder => builder.Services.AddSingleton(new Script(run)).AddOperationHandler<Handler>(),
        _ => { });

    private static async Task<Guid> BeginAsync(Stores stores, string subject = "subject") =>
        (await stores.Operations.StartAsync(OperationKinds.Index, subject, new Wish("hello"), Ct)).Operation.Id;

    private static async Task<Operation> EndAsync(Stores stores, Guid id) =>
        (await Eventually.Async(async () => await stores.Operations.FindAsync(id, Ct), o => OperationStates.IsFinal(o!.State), "The end of the operation"))!;
}
