using System.Net;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Mahavishnu.Ingest.Tests;

/// <summary>Long work as its callers see it, with a handler that does as it is told.</summary>
public sealed class OperationTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Kind = OperationKinds.Import;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;
    private readonly ObedientHandler _handler = new();
    private TestDatabase _database = null!;
    private TestHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await postgres.CreateDatabaseAsync();
        _host = await TestHost.StartAsync(
            _database.ConnectionString,
            builder =>
            {
                new StrangeModel().Add(builder);
                builder.AddIngest();
                builder.Services.AddSingleton<IOperationHandler>(_handler);
            },
            app => app.MapIngest());
    }

    public async ValueTask DisposeAsync()
    {
        _handler.Orders.TrySetCanceled(CancellationToken.None);
        await _host.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Events_tell_the_progress_and_the_end()
    {
        var id = await StartAsync("a");
        using var response = await _host.Http.GetAsync($"/api/v1/operations/{id}/events", HttpCompletionOption.ResponseHeadersRead, Ct);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Ct));
        await _handler.Started.Task.WaitAsync(Ct);

        _handler.Run!.Report(3, 10, "rows", "on the way");
        var events = new List<string>();
        while (await reader.ReadLineAsync(Ct) is { } line)
        {
            events.Add(line);
            if (line.Contains("\"done\":3", StringComparison.Ordinal))
            {
                _handler.Orders.TrySetResult(new { rows = 10 });
            }
        }

        var names = events.Where(l => l.StartsWith("event: ", StringComparison.Ordinal)).Select(l => l["event: ".Length..]).ToList();
        Assert.Equal("completed", names[^1]);
        Assert.All(names[..^1], n => Assert.Equal("progress", n));
        Assert.True(names.Count >= 3, string.Join(' ', names));
        Assert.Contains(events, l => l.Contains("\"total\":10,\"unit\":\"rows\"", StringComparison.Ordinal) && l.Contains("on the way", StringComparison.Ordinal));
        Assert.Contains("\"result\":{\"rows\":10}", events.Last(l => l.StartsWith("data: ", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_events_of_an_ended_operation_are_its_end()
    {
        var id = await StartAsync("a");
        _handler.Orders.SetException(new OperationFailedException("conflict", "no way"));
        await EndedAsync(id);

        var events = await _host.Http.GetStringAsync($"/api/v1/operations/{id}/events", Ct);

        Assert.StartsWith("event: failed\ndata: {", events, StringComparison.Ordinal);
        Assert.Contains("\"error\":{\"code\":\"conflict\",\"message\":\"no way\"}", events, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_running_operation_is_cancelled_once()
    {
        var id = await StartAsync("a");
        await _handler.Started.Task.WaitAsync(Ct);

        Assert.Equal(HttpStatusCode.OK, (await _host.Http.AskAsync(HttpMethod.Post, $"/operations/{id}:cancel")).Status);

        Assert.Equal("cancelled", (await EndedAsync(id)).State);
        var again = await _host.Http.AskAsync(HttpMethod.Post, $"/operations/{id}:cancel");
        Assert.Equal((HttpStatusCode.Conflict, "conflict"), (again.Status, again.Code));
    }

    [Fact]
    public async Task Only_what_failed_or_was_cancelled_is_begun_again_and_not_beside_its_like()
    {
        var first = await StartAsync("a");
        Assert.Equal(HttpStatusCode.Conflict, (await _host.Http.AskAsync(HttpMethod.Post, $"/operations/{first}:retry")).Status);
        await _host.Operations.CancelAsync(first, Ct);
        await EndedAsync(first);
        var second = await StartAsync("a");
        var beside = await _host.Http.AskAsync(HttpMethod.Post, $"/operations/{first}:retry");
        Assert.Equal((HttpStatusCode.Conflict, "conflict"), (beside.Status, beside.Code));
        _handler.Orders.SetResult(null);
        await EndedAsync(second);

        Assert.Equal("queued", (await _host.Operations.RetryAsync(first, Ct)).State);
        Assert.Equal("completed", (await EndedAsync(first)).State);
        Assert.Equal(HttpStatusCode.Conflict, (await _host.Http.AskAsync(HttpMethod.Post, $"/operations/{first}:retry")).Status);
    }

    [Fact]
    public async Task The_list_is_filtered_and_paged_newest_first()
    {
        _handler.Orders.SetResult(null);
        var ids = new List<Guid>();
        foreach (var subject in (string[])["a", "b", "c"])
        {
            ids.Add(await StartAsync(subject));
            await EndedAsync(ids[^1]);
        }

        var first = await _host.Http.FetchAsync($"/operations?kind={Kind}&state=completed&limit=2");
        var rest = await _host.Http.FetchAsync($"/operations?kind={Kind}&state=completed&limit=2&cursor={first.Body!["nextCursor"]}");

        Assert.Equal([ids[2].ToString(), ids[1].ToString()], first.Body["items"]!.AsArray().Select(o => (string?)o!["id"]));
        Assert.Equal([ids[0].ToString()], rest.Body!["items"]!.AsArray().Select(o => (string?)o!["id"]));
        Assert.Null(rest.Body["nextCursor"]);
        Assert.Empty((await _host.Operations.ListAsync(OperationKinds.EmbeddingSpace, ct: Ct)).Items);
        Assert.Equal("invalid_cursor", (await _host.Http.FetchAsync($"/operations?kind={Kind}&cursor={first.Body["nextCursor"]}")).Code);
    }

    [Fact]
    public async Task A_listener_does_not_hold_up_the_end_of_the_server()
    {
        var id = await StartAsync("a");
        using var response = await _host.Http.GetAsync($"/api/v1/operations/{id}/events", HttpCompletionOption.ResponseHeadersRead, Ct);
        await using var stream = await response.Content.ReadAsStreamAsync(Ct);
        await _handler.Started.Task.WaitAsync(Ct);

        var began = TimeProvider.System.GetTimestamp();
        await _host.App.StopAsync(Ct);

        // The host would give it 25 seconds.
        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(15));
        Assert.Equal("queued", await _database.ScalarAsync<string>("SELECT state FROM operations WHERE id = $1", id));
    }

    private async Task<Guid> StartAsync(string subject) => (await _host.Get<OperationStore>().StartAsync(Kind, subject, new { }, Ct)).Operation.Id;

    private Task<Operation> EndedAsync(Guid id) => Eventually.Async(() => _host.Operations.GetAsync(id, Ct), o => OperationStates.IsFinal(o.State), "The end of the operation");

    private sealed class ObedientHandler : IOperationHandler
    {
        public TaskCompletionSource<object?> Orders { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Started { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public OperationRun? Run { get; private set; }

        public string Kind => OperationTests.Kind;

        public async Task<object?> RunAsync(OperationRun run, CancellationToken ct)
        {
            Run = run;
            Started.TrySetResult();
            return await Orders.Task.WaitAsync(ct);
        }
    }
}
