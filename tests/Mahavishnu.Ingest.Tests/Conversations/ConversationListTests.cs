using System.Globalization;
using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest.Tests;

/// <summary>Conversations as a list: what each was about, whose, and when.</summary>
public sealed class ConversationListTests(PostgresFixture postgres) : IAsyncLifetime
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
    public async Task A_conversation_says_who_took_part_when_and_how_it_began()
    {
        await _host.Conversations.AddAsync("s", [At(3, Talk.Assistant("How can I help?")), At(4, Talk.User(new string('é', 300)))], agentId: "b", projectId: "p", ct: Ct);
        await _host.Conversations.AddAsync("s", [At(1, Talk.User("said before, told later"))], agentId: "a", projectId: "q", ct: Ct);
        await _host.Conversations.AddAsync("s", [At(2, new NewMessage { Role = "tool", Content = "done" })], ct: Ct);

        var conversation = await _host.Conversations.GetAsync("s", Ct);

        Assert.Equal(("s", 4, Day(1), Day(4)), (conversation.SessionId, conversation.Messages, conversation.FirstAt, conversation.LastAt));
        Assert.Equal(["a", "b"], conversation.AgentIds);
        Assert.Equal(["p", "q"], conversation.ProjectIds);
        Assert.Equal(new string('é', 200), conversation.Opening);
    }

    [Fact]
    public async Task The_latest_comes_first_and_pages_show_each_once()
    {
        foreach (var i in Enumerable.Range(1, 25))
        {
            await _host.Conversations.AddAsync($"s{i}", [At(i / 2, Talk.User("x"))], ct: Ct);
        }

        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await _host.Conversations.ListAsync([new("limit", "4"), new("cursor", cursor)], Ct);
            seen.AddRange(page.Items.Select(c => c.SessionId));
            cursor = page.NextCursor;
        }
        while (cursor is not null);

        Assert.Equal(25, seen.Distinct().Count());
        Assert.Equal(Enumerable.Range(1, 25).Select(i => i / 2).OrderDescending(), seen.Select(s => int.Parse(s[1..], CultureInfo.InvariantCulture) / 2));
    }

    [Fact]
    public async Task A_list_is_narrowed_by_project_agent_and_time()
    {
        await _host.Conversations.AddAsync("one", [At(1, Talk.User("x")), At(3, Talk.User("y"))], agentId: "a", projectId: "p", ct: Ct);
        await _host.Conversations.AddAsync("two", [At(4, Talk.User("x"))], agentId: "b", projectId: "p", ct: Ct);
        await _host.Conversations.AddAsync("three", [At(5, Talk.User("x"))], agentId: "a", projectId: "q", ct: Ct);
        var moved = await _host.Conversations.AddAsync("four", [At(6, Talk.User("x"))], agentId: "c", projectId: "p", ct: Ct);
        await _host.Memories.PatchAsync(moved.Messages[0].Id!.Value, new { projectId = "elsewhere" }, 1, Ct);
        await _host.Memories.AddAsync(new NewMemory { Content = "no turn of it", SessionId = "three", ProjectId = "p" }, Ct);
        async Task<IEnumerable<string>> ListAsync(params (string Name, string Value)[] filter) =>
            (await _host.Conversations.ListAsync(filter.Select(f => KeyValuePair.Create(f.Name, (string?)f.Value)), Ct)).Items.Select(c => c.SessionId);

        Assert.Equal(["two", "one"], await ListAsync(("projectId", "p")));
        Assert.Equal(["four"], await ListAsync(("projectId", "elsewhere")));
        Assert.Equal(["three", "one"], await ListAsync(("agentId", "a")));
        Assert.Equal(["one"], await ListAsync(("agentId", "a"), ("projectId", "p")));
        Assert.Equal(["three", "two"], await ListAsync(("after", "2026-01-04T00:00:00Z"), ("before", "2026-01-06T00:00:00Z")));
        Assert.Equal(["one"], await ListAsync(("after", "2026-01-02T00:00:00Z"), ("before", "2026-01-03T00:00:00Z")));
        Assert.Empty(await ListAsync(("projectId", "nothing")));
    }

    private static DateTimeOffset Day(int day) => new(2026, 1, day == 0 ? 31 : day, 0, 0, 0, TimeSpan.Zero);

    private static NewMessage At(int day, NewMessage message) => message with { OccurredAt = day == 0 ? Day(1).AddDays(-1) : Day(day) };
}
