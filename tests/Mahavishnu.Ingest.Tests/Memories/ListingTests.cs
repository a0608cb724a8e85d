using System.Net;
using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest.Tests;

/// <summary>Listings: filters, pages, cursors.</summary>
public sealed class ListingTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;
    private TestDatabase _database = null!;
    private TestHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await postgres.CreateDatabaseAsync();
        _host = await IngestHost.StartAsync(_database, ("Embedding:Workers", "0"));
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_walk_sees_everything_once_while_rows_come_in()
    {
        foreach (var batch in Enumerable.Range(0, 10))
        {
            await _host.Memories.AddBatchAsync([.. Enumerable.Range(0, 70).Select(i => new NewMemory { Content = $"{batch} {i}" })], ct: Ct);
        }

        var there = (await _database.RowsAsync("SELECT id FROM memories")).Select(r => (Guid)r[0]!).ToHashSet();
        var seen = new List<Guid>();
        string? cursor = null;
        var pages = 0;
        do
        {
            var page = await _host.Memories.ListAsync([new("limit", "33"), new("cursor", cursor)], Ct);
            seen.AddRange(page.Items.Select(m => m.Id));
            cursor = page.NextCursor;
            pages++;
            await _host.Memories.AddBatchAsync([.. Enumerable.Range(0, 20).Select(i => new NewMemory { Content = $"late {pages} {i}" })], ct: Ct);
        }
        while (cursor is not null);

        Assert.Equal(seen.Count, seen.Distinct().Count());
        Assert.Superset(there, seen.ToHashSet());
        Assert.Equal((700 + 32) / 33, pages);
    }

    [Fact]
    public async Task The_last_page_has_no_cursor_even_when_it_is_full()
    {
        await _host.Memories.AddBatchAsync([.. Enumerable.Range(0, 4).Select(i => new NewMemory { Content = $"{i}" })], ct: Ct);

        var first = await _host.Memories.ListAsync([new("limit", "2")], Ct);
        var second = await _host.Memories.ListAsync([new("limit", "2"), new("cursor", first.NextCursor)], Ct);

        Assert.NotNull(first.NextCursor);
        Assert.Null(second.NextCursor);
        Assert.Equal(2, second.Items.Count);
    }

    [Fact]
    public async Task A_cursor_belongs_to_its_listing_and_its_filters()
    {
        await _host.Memories.AddBatchAsync([.. Enumerable.Range(0, 4).Select(i => new NewMemory { Content = $"{i}", Tags = ["a", "b"] })], ct: Ct);
        var cursor = (await _host.Memories.ListAsync([new("limit", "2"), new("tag", "a")], Ct)).NextCursor!;

        Assert.Equal(HttpStatusCode.OK, (await _host.Http.FetchAsync($"/memories?limit=1&tag=a&cursor={cursor}")).Status);
        foreach (var other in (string[])["/memories?", "/memories?tag=b&", "/memories?tag=a&type=agent&", "/memories?tag=a&includeDeleted=true&", "/operations?", "/embeddings/dead-letters?"])
        {
            var answer = await _host.Http.FetchAsync($"{other}cursor={cursor}");
            Assert.Equal((HttpStatusCode.BadRequest, "invalid_cursor"), (answer.Status, answer.Code));
        }

        var bent = cursor[..^2] + (cursor[^2] == 'A' ? "B" : "A") + cursor[^1];
        Assert.Contains((await _host.Http.FetchAsync($"/memories?tag=a&cursor={bent[1..]}")).Code!, "invalid_cursor", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_filter_finds_what_it_names_and_nothing_else()
    {
        var wanted = await _host.Memories.AddAsync(
            new NewMemory
            {
                Content = "wanted",
                Type = "workflow",
                Source = "prefect",
                ProjectId = "p1",
                AgentId = "a1",
                WorkflowId = "w1",
                RepoId = "r1",
                SessionId = "s1",
                Metadata = JsonSerializer.SerializeToElement(new { path = "src/a.cs", ordinal = 3 }),
                Tags = ["x", "y"],
                OccurredAt = new DateTimeOffset(2026, 1, 15, 0, 0, 0, TimeSpan.Zero),
            },
            Ct);
        await _host.Memories.AddAsync(
            new NewMemory
            {
                Content = "other",
                Type = "rag",
                Source = "agno",
                ProjectId = "p2",
                AgentId = "a2",
                WorkflowId = "w2",
                RepoId = "r2",
                SessionId = "s2",
                Tags = ["y", "z"],
                OccurredAt = new DateTimeOffset(2026, 2, 15, 0, 0, 0, TimeSpan.Zero),
            },
            Ct);

        foreach (var query in (string[])["type=workflow", "source=prefect", "projectId=p1", "agentId=a1", "workflowId=w1", "repoId=r1", "repoId=r1&path=src/a.cs", "sessionId=s1", "tag=x", "tag=x&tag=y",
            "before=2026-02-01", "after=2026-01-15T00:00:00Z&before=2026-02-15T00:00:00Z", "type=workflow&tag=y&projectId=p1"])
        {
            var items = (await _host.Http.FetchAsync($"/memories?{query}")).Body!["items"]!.AsArray();
            Assert.True(items.Count == 1 && (string?)items[0]!["id"] == wanted.Id.ToString(), query);
        }

        Assert.Empty((await _host.Http.FetchAsync("/memories?tag=x&tag=z")).Body!["items"]!.AsArray());
        Assert.Empty((await _host.Http.FetchAsync("/memories?type=workflow&source=agno")).Body!["items"]!.AsArray());
        Assert.Empty((await _host.Http.FetchAsync("/memories?repoId=r1&path=src")).Body!["items"]!.AsArray());
    }

    [Fact]
    public async Task A_path_without_its_repository_is_refused()
    {
        var answer = await _host.Http.FetchAsync("/memories?path=src/a.cs");

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Contains("repoId", answer.Error("path"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_newest_arrival_comes_first_and_deleted_ones_only_when_asked_for()
    {
        var ids = new List<Guid>();
        for (var i = 0; i < 3; i++)
        {
            ids.Add((await _host.Memories.AddAsync(new NewMemory { Content = $"{i}", OccurredAt = DateTimeOffset.UtcNow.AddDays(-i) }, Ct)).Id);
        }

        await _host.Memories.DeleteAsync(ids[1], Ct);

        Assert.Equal([ids[2], ids[0]], (await _host.Memories.ListAsync([], Ct)).Items.Select(m => m.Id));
        var all = (await _host.Memories.ListAsync([new("includeDeleted", "true")], Ct)).Items;
        Assert.Equal([ids[2], ids[1], ids[0]], all.Select(m => m.Id));
        Assert.Equal([false, true, false], all.Select(m => m.DeletedAt is not null));
    }

    [Fact]
    public async Task A_page_of_very_long_memories_ends_early_and_the_walk_goes_on()
    {
        var big = new string('x', MemoryLimits.ContentBytes - 16);
        for (var i = 0; i < 7; i++)
        {
            await _host.Memories.AddAsync(new NewMemory { Content = $"{i} {big}" }, Ct);
        }

        var first = await _host.Memories.ListAsync([], Ct);
        var second = await _host.Memories.ListAsync([new("cursor", first.NextCursor)], Ct);

        Assert.Equal((5, 2), (first.Items.Count, second.Items.Count));
        Assert.Null(second.NextCursor);
    }
}
