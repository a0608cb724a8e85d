using System.Net;
using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest.Tests;

/// <summary>A memory takes the place of another, which leaves the lists and stays to be asked for by name or by time.</summary>
public sealed class SupersedingTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;
    private TestDatabase _database = null!;
    private TestHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await postgres.CreateDatabaseAsync();
        _host = await IngestHost.StartAsync(_database);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task What_takes_the_place_of_another_is_stored_with_it_or_not_at_all()
    {
        var old = await AddAsync("we use Memcached");

        var successor = await _host.Memories.AddAsync(new NewMemory { Content = "we use Redis", Supersedes = old.Id.ToString() }, Ct);

        var superseded = await _host.Memories.GetAsync(old.Id, Ct);
        Assert.Equal((successor.Id, 2), (superseded.SupersededBy, superseded.Version));
        Assert.InRange(superseded.SupersededAt!.Value, old.CreatedAt, DateTimeOffset.UtcNow.AddMinutes(1));
        Assert.Equal([successor.Id], await ListedAsync());
        Assert.Equal([successor.Id, old.Id], await ListedAsync(("includeSuperseded", "true")));
        var version = Assert.Single((await _host.Memories.HistoryAsync(old.Id, Ct)).Items);
        Assert.Equal((MemoryChanges.Supersede, 1, (Guid?)null), (version.Change, version.Version, version.Memory.SupersededBy));

        // Said again, because the first answer was lost.
        Assert.True((await _host.Memories.AddAsync(new NewMemory { Content = "we use Redis", Supersedes = old.Id.ToString() }, Ct)).Duplicate);

        var taken = await RefusedAsync("we use Valkey", old.Id.ToString());
        Assert.Equal((409, ErrorCodes.Conflict), (taken.Status, taken.Code));
        Assert.Contains(successor.Id.ToString(), taken.Errors["supersedes"][0], StringComparison.Ordinal);
        var unknown = await RefusedAsync("we use Valkey", Guid.CreateVersion7().ToString());
        Assert.Equal((404, ErrorCodes.NotFound), (unknown.Status, unknown.Code));
        Assert.Equal(400, (await RefusedAsync("we use Valkey", "the old one")).Status);
        var itself = await RefusedAsync("we use Redis", successor.Id.ToString());
        Assert.Equal((409, "A memory cannot supersede itself."), (itself.Status, itself.Errors["supersedes"][0]));
        Assert.Equal(2, await _database.ScalarAsync<long>("SELECT count(*) FROM memories"));
    }

    [Fact]
    public async Task Chains_are_allowed_and_circles_are_not()
    {
        var (a, b, c) = (await AddAsync("a"), await AddAsync("b"), await AddAsync("c"));
        Assert.Equal(b.Id, (await _host.Memories.SupersedeAsync(a.Id, b.Id, Ct)).SupersededBy);
        Assert.Equal(2, (await _host.Memories.SupersedeAsync(a.Id, b.Id, Ct)).Version);
        await _host.Memories.SupersedeAsync(b.Id, c.Id, Ct);

        foreach (var (id, by, status) in new[] { (c.Id, a.Id, 409), (c.Id, b.Id, 409), (c.Id, c.Id, 400), (a.Id, c.Id, 409), (c.Id, Guid.CreateVersion7(), 404), (Guid.CreateVersion7(), c.Id, 404) })
        {
            Assert.Equal(status, (await Assert.ThrowsAsync<ApiException>(() => _host.Memories.SupersedeAsync(id, by, Ct))).Status);
        }

        foreach (var body in (string[])["{}", """{"by":null}""", """{"by":"x"}""", """{"by":1}""", """{"to":"x"}""", "[]"])
        {
            Assert.Equal(HttpStatusCode.BadRequest, (await _host.Http.PostAsync($"/memories/{c.Id}:supersede", body)).Status);
        }

        Assert.Equal([c.Id], await ListedAsync());
        Assert.Equal([c.Id, a.Id], await BackAsync(a.Id));
        Assert.Equal(["unsupersede", "supersede"], (await _host.Memories.HistoryAsync(a.Id, Ct)).Items.Select(v => v.Change));
        Assert.Equal(3, (await _host.Memories.UnsupersedeAsync(a.Id, Ct)).Version);
        Assert.Equal(404, (await Assert.ThrowsAsync<ApiException>(() => _host.Memories.UnsupersedeAsync(Guid.CreateVersion7(), Ct))).Status);

        async Task<IEnumerable<Guid>> BackAsync(Guid id)
        {
            await _host.Memories.UnsupersedeAsync(id, Ct);
            return await ListedAsync();
        }
    }

    [Fact]
    public async Task Whoever_closes_a_circle_together_with_others_does_not_get_it()
    {
        for (var round = 0; round < 8; round++)
        {
            var ring = new List<Memory>();
            for (var i = 0; i < 6; i++)
            {
                ring.Add(await AddAsync($"{round}: {i}"));
            }

            var done = await Task.WhenAll(ring.Select(async (memory, i) =>
            {
                try
                {
                    await _host.Memories.SupersedeAsync(memory.Id, ring[(i + 1) % ring.Count].Id, Ct);
                    return true;
                }
                catch (ApiException e) when (e.Status == 409)
                {
                    return false;
                }
            }));

            Assert.Equal(ring.Count - 1, done.Count(d => d));
        }
    }

    [Fact]
    public async Task In_a_batch_one_that_may_not_take_a_place_fails_alone()
    {
        var (old, taken) = (await AddAsync("old"), await AddAsync("taken"));
        await _host.Memories.SupersedeAsync(taken.Id, old.Id, Ct);
        var chosen = Guid.CreateVersion7();

        var result = await _host.Memories.AddBatchAsync(
            [
                new() { Content = "new", Supersedes = old.Id.ToString() },
                new() { Content = "too late", Supersedes = taken.Id.ToString() },
                new() { Content = "of nothing", Supersedes = Guid.CreateVersion7().ToString() },
                new() { Content = "newest", Supersedes = chosen.ToString() },
                new() { Content = "wrong", Supersedes = "x" },
                new() { Content = "plain", Id = chosen.ToString() },
            ],
            ct: Ct);

        Assert.Equal(["created", "error", "error", "created", "error", "created"], result.Results.Select(r => r.Status));
        Assert.Equal([(ErrorCodes.Conflict, "supersedes"), (ErrorCodes.NotFound, "supersedes"), (ErrorCodes.InvalidRequest, "supersedes")],
            result.Results.Where(r => r.Error is not null).Select(r => (r.Error!.Code, r.Error.Field)));
        Assert.Equal(["new", "newest"], (await _host.Memories.ListAsync([], Ct)).Items.Select(m => m.Content).Order(StringComparer.Ordinal));
        Assert.Equal(5, await _database.ScalarAsync<long>("SELECT count(*) FROM memories"));
    }

    [Fact]
    public async Task A_memory_of_another_tenant_can_neither_be_superseded_nor_take_a_place()
    {
        var (mine, theirs) = (await AddAsync("mine"), await AddAsync("theirs"));
        await _database.ExecuteAsync("UPDATE memories SET tenant_id = 'other' WHERE id = $1", theirs.Id);

        Assert.Equal(404, (await Assert.ThrowsAsync<ApiException>(() => _host.Memories.SupersedeAsync(mine.Id, theirs.Id, Ct))).Status);
        Assert.Equal(404, (await Assert.ThrowsAsync<ApiException>(() => _host.Memories.SupersedeAsync(theirs.Id, mine.Id, Ct))).Status);
        Assert.Equal(404, (await Assert.ThrowsAsync<ApiException>(() => _host.Memories.EraseAsync(theirs.Id, Ct))).Status);
        Assert.Equal(404, (await RefusedAsync("newer", theirs.Id.ToString())).Status);
    }

    [Fact]
    public async Task A_list_as_of_a_time_is_what_the_list_was_then()
    {
        var times = new List<DateTimeOffset>();
        var lists = new List<string>();
        var old = await AddAsync("one", "p");
        await RememberAsync();
        var edited = await AddAsync("two", "p");
        await RememberAsync();
        await _host.Memories.PatchAsync(edited.Id, new { content = "two, edited", projectId = "q" }, 1, Ct);
        await RememberAsync();
        var successor = await _host.Memories.AddAsync(new NewMemory { Content = "three", ProjectId = "p", Supersedes = old.Id.ToString() }, Ct);
        await RememberAsync();
        await _host.Memories.DeleteAsync(edited.Id, Ct);
        await RememberAsync();
        await _host.Memories.UnsupersedeAsync(old.Id, Ct);
        await RememberAsync();
        await _host.Memories.RestoreAsync(edited.Id, Ct);
        await _host.Memories.PatchAsync(edited.Id, new { content = "two, restored" }, 4, Ct);
        await RememberAsync();

        for (var i = 0; i < times.Count; i++)
        {
            Assert.Equal(lists[i], await ReadAsync(("asOf", WireTime.Format(times[i]))));
            Assert.Equal(lists[i], await ReadAsync(("asOf", WireTime.Format(times[i])), ("limit", "1")));
        }

        Assert.Equal("one@p two@p", lists[1]);
        Assert.Equal("three@p two, edited@q", lists[3]);
        Assert.Empty(await ListedAsync(("asOf", WireTime.Format(old.CreatedAt.AddSeconds(-1)))));
        // A filter is asked of the state of then, too.
        Assert.Equal([edited.Id, old.Id], await ListedAsync(("asOf", WireTime.Format(times[1])), ("projectId", "p")));
        Assert.Equal([successor.Id, old.Id], await ListedAsync(("projectId", "p")));
        Assert.Equal([successor.Id, edited.Id, old.Id], await ListedAsync(("asOf", WireTime.Format(times[3])), ("includeSuperseded", "true")));

        Assert.Equal(("two", 1), Shown(await _host.Memories.GetAsOfAsync(edited.Id, times[1], Ct)));
        Assert.Equal(("two, edited", 2), Shown(await _host.Memories.GetAsOfAsync(edited.Id, times[3], Ct)));
        Assert.Equal(successor.Id, (await _host.Memories.GetAsOfAsync(old.Id, times[3], Ct)).SupersededBy);
        Assert.Equal(404, (await Assert.ThrowsAsync<ApiException>(() => _host.Memories.GetAsOfAsync(edited.Id, times[4], Ct))).Status);
        Assert.Equal(404, (await Assert.ThrowsAsync<ApiException>(() => _host.Memories.GetAsOfAsync(edited.Id, times[0], Ct))).Status);
        Assert.Equal(["asOf"], (await _host.Http.FetchAsync("/memories?asOf=yesterday")).Fields);
        Assert.Equal(["asOf"], (await _host.Http.FetchAsync($"/memories/{old.Id}?asOf=1/2/2026")).Fields);

        async Task RememberAsync()
        {
            lists.Add(await ReadAsync());
            times.Add(new DateTimeOffset(await _database.ScalarAsync<DateTime>("SELECT clock_timestamp()")));
        }

        static (string, int) Shown(Memory memory) => (memory.Content, memory.Version);
    }

    [Fact]
    public async Task What_happened_before_it_was_stored_was_valid_from_then_on()
    {
        var early = new DateTimeOffset(2024, 5, 1, 0, 0, 0, TimeSpan.Zero);
        var memory = await _host.Memories.AddAsync(new NewMemory { Content = "imported late", OccurredAt = early }, Ct);
        await _host.Memories.PatchAsync(memory.Id, new { content = "corrected" }, 1, Ct);

        Assert.Equal("imported late", (await _host.Memories.GetAsOfAsync(memory.Id, early.AddDays(1), Ct)).Content);
        Assert.Equal([memory.Id], await ListedAsync(("asOf", "2025-01-01")));
        Assert.Empty(await ListedAsync(("asOf", "2024-04-30")));
    }

    private async Task<Memory> AddAsync(string content, string? project = null) => await _host.Memories.AddAsync(new NewMemory { Content = content, ProjectId = project }, Ct);

    private async Task<ApiException> RefusedAsync(string content, string supersedes) =>
        await Assert.ThrowsAsync<ApiException>(() => _host.Memories.AddAsync(new NewMemory { Content = content, Supersedes = supersedes }, Ct));

    private async Task<string> ReadAsync(params (string Name, string Value)[] filter)
    {
        var items = new List<Memory>();
        string? cursor = null;
        do
        {
            var page = await _host.Memories.ListAsync([.. filter.Select(f => KeyValuePair.Create(f.Name, (string?)f.Value)), new("cursor", cursor)], Ct);
            items.AddRange(page.Items);
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        return string.Join(' ', items.Select(m => $"{m.Content}@{m.ProjectId}").Order(StringComparer.Ordinal));
    }

    private async Task<IEnumerable<Guid>> ListedAsync(params (string Name, string Value)[] filter) =>
        (await _host.Memories.ListAsync(filter.Select(f => KeyValuePair.Create(f.Name, (string?)f.Value)), Ct)).Items.Select(m => m.Id);
}
