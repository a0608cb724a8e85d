using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Mahavishnu.Contracts;
using Microsoft.Extensions.DependencyInjection;

namespace Mahavishnu.Storage.Tests;

/// <summary>Who asked for work that is done later, and what is counted of writes.</summary>
public sealed class TraceTests(PostgresFixture postgres)
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public async Task A_place_in_the_queue_tells_whose_request_wrote_the_memory(int memories)
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;

        using (var request = Request())
        {
            await stores.WriteAsync([.. Enumerable.Range(0, memories).Select(i => Stores.Draft($"text {i}"))]);
            request.Stop();

            var claim = await stores.Queue.ClaimAsync(space, memories, long.MaxValue, Lease, Ct);
            Assert.Equal(memories, claim.Jobs.Count);
            Assert.All(claim.Jobs, j => Assert.Equal(request.Id, j.Trace));
        }
    }

    [Fact]
    public async Task A_memory_that_is_changed_is_the_changers_to_answer_for()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        var id = Assert.Single(await stores.WriteAsync(Stores.Draft("before"))).Id;
        var untraced = await stores.Queue.ClaimAsync(space, 1, long.MaxValue, Lease, Ct);

        using var change = Request();
        await stores.Memories.UpdateAsync(id, null, m => Stores.Draft("after", m.Id), Ct);
        change.Stop();
        var traced = await stores.Queue.ClaimAsync(space, 1, long.MaxValue, Lease, Ct);

        Assert.Null(Assert.Single(untraced.Jobs).Trace);
        Assert.Equal(change.Id, Assert.Single(traced.Jobs).Trace);
    }

    [Fact]
    public async Task A_space_that_comes_later_is_filled_in_the_name_of_who_added_it()
    {
        var (stores, first) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await stores.WriteAsync(Stores.Draft("text"));
        using var adding = Request();
        adding.Stop();
        var (second, _) = await stores.Spaces.AddAsync(Stores.Model with { Digest = "2" }, Ct);

        await stores.Fill.QueueNextAsync(second, null, 10, Ct, adding.Id);

        Assert.Equal(adding.Id, Assert.Single((await stores.Queue.ClaimAsync(second, 1, long.MaxValue, Lease, Ct)).Jobs).Trace);
        Assert.Null(Assert.Single((await stores.Queue.ClaimAsync(first, 1, long.MaxValue, Lease, Ct)).Jobs).Trace);
    }

    [Fact]
    public void A_request_that_nobody_keeps_leaves_no_trace()
    {
        using var request = Request(ActivityTraceFlags.None);

        Assert.Null(TraceText.Current);
    }

    [Fact]
    public void Links_are_to_each_span_once_and_not_to_thousands()
    {
        const string Span = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

        var link = Assert.Single(TraceText.Links([null, Span, Span, "not a span", null]));

        Assert.Equal(("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"), (link.Context.TraceId.ToHexString(), link.Context.SpanId.ToHexString()));
        Assert.Equal(128, TraceText.Links(Enumerable.Range(1, 1_000).Select(i => $"00-{i:x32}-{i:x16}-01")).Count);
    }

    [Fact]
    public async Task An_operation_is_a_span_that_links_to_the_request_that_asked_for_it_last()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == StorageTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        using var first = Request();
        var id = (await stores.Operations.StartAsync(OperationKinds.Index, "subject", new { }, Ct)).Operation.Id;
        first.Stop();
        await using var host = await TestHost.StartAsync(
            stores.Database.ConnectionString, builder => builder.Services.AddOperationHandler<FailsOnce>(), _ => { });
        await EndAsync(OperationStates.Failed);
        using var again = Request();
        await stores.Operations.RetryAsync(id, Ct);
        again.Stop();
        await EndAsync(OperationStates.Completed);

        // Other tests' operations are spans, too.
        var ours = await Eventually.Async(() => Task.FromResult(spans.Where(s => s.GetTagItem("mahavishnu.operation.id") is Guid of && of == id).ToList()), s => s.Count == 2, "Both spans");
        Assert.Equal([first.SpanId, again.SpanId], ours.Select(s => Assert.Single(s.Links).Context.SpanId));
        Assert.Equal([OperationStates.Failed, OperationStates.Completed], ours.Select(s => s.GetTagItem("mahavishnu.operation.state")));
        Assert.Equal([(ActivityStatusCode.Error, "no_luck"), (ActivityStatusCode.Unset, null)], ours.Select(s => (s.Status, s.GetTagItem("error.type") as string)));
        Assert.All(ours, s => Assert.Equal(default, s.ParentSpanId));
        Assert.Equal(ours.Select(s => s.SpanId), host.Services.GetServices<IOperationHandler>().OfType<FailsOnce>().Single().Under);

        Task EndAsync(string state) => Eventually.Async(async () => (await stores.Operations.FindAsync(id, Ct))!.State, s => s == state, $"The operation to be {state}");
    }

    [Fact]
    public async Task What_was_stored_is_counted_by_type_and_outcome_and_what_was_undone_is_not()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var counted = new ConcurrentDictionary<string, long>(StringComparer.Ordinal);
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name == "memory.store.count" && instrument.Meter.Scope == stores.Meters)
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
            counted.AddOrUpdate(string.Join(' ', tags.ToArray().Select(t => $"{t.Key}={t.Value}")), value, (_, before) => before + value));
        listener.Start();
        var known = Stores.Draft("known");

        await stores.WriteAsync(known, Stores.Draft("new"), Stores.Draft("chunk", type: MemoryTypes.Rag));
        await stores.WriteAsync(Stores.Draft("known"), Stores.Draft("other content", known.Id));
        await stores.UpsertAsync(Stores.Draft("known, and more", known.Id));
        await using (var connection = await stores.Database.DataSource.OpenConnectionAsync(Ct))
        await using (var undone = await connection.BeginTransactionAsync(Ct))
        {
            await stores.Memories.WriteAsync(undone, [Stores.Draft("undone")], WriteMode.Insert, Ct);
        }

        Assert.Equal(
            ["memory_type=agent outcome=conflict 1", "memory_type=agent outcome=created 2", "memory_type=agent outcome=duplicate 1", "memory_type=agent outcome=updated 1", "memory_type=rag outcome=created 1"],
            counted.Select(c => $"{c.Key} {c.Value}").Order(StringComparer.Ordinal));
    }

    /// <summary>A request under way, as the web server's span is one.</summary>
    private static Activity Request(ActivityTraceFlags flags = ActivityTraceFlags.Recorded) =>
        new Activity("request") { ActivityTraceFlags = flags }.SetIdFormat(ActivityIdFormat.W3C).Start();

    private sealed class FailsOnce : IOperationHandler
    {
        public string Kind => OperationKinds.Index;

        /// <summary>The spans that its work was done in.</summary>
        public List<ActivitySpanId> Under { get; } = [];

        public Task<object?> RunAsync(OperationRun run, CancellationToken ct)
        {
            Under.Add(Activity.Current!.SpanId);
            return Under.Count == 1 ? throw new OperationFailedException("no_luck", "It did not work.") : Task.FromResult<object?>(null);
        }
    }
}
