using System.Net;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest.Tests;

/// <summary>Turns go in once and come back in order.</summary>
public sealed class ConversationTests(PostgresFixture postgres) : IAsyncLifetime
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
    public async Task A_turn_is_a_memory_at_its_place_and_its_speaker_is_no_part_of_its_text()
    {
        var said = new DateTimeOffset(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);
        var added = await _host.Conversations.AddAsync(
            "s",
            [
                new NewMessage { Role = "system", Content = "Be brief." },
                new NewMessage { Role = "user", Content = "Which port?", ClientId = "m1", OccurredAt = said, Tags = ["ask"], Metadata = JsonSerializer.SerializeToElement(new { mood = "calm" }) },
                new NewMessage { Role = "tool", Content = "8686" },
            ],
            agentId: "claude", projectId: "p", source: "claude-code", ct: Ct);

        Assert.Equal(("s", new MessageCounts(3, 0, 0)), (added.SessionId, added.Counts));
        Assert.Equal([(0, 1), (1, 2), (2, 3)], added.Messages.Select(m => (m.Index, m.Ordinal!.Value)));
        Assert.All(added.Messages, m => Assert.Equal(("created", EmbeddingStates.Pending), (m.Status, m.Embedding)));

        var turn = (await _host.HearAsync("s"))[1];
        Assert.Equal((2, "user", "Which port?", "m1"), (turn.Ordinal, turn.Role, turn.Content, turn.ClientId));
        Assert.Equal(("claude", "p", "claude-code", said, 1), (turn.AgentId, turn.ProjectId, turn.Source, turn.OccurredAt, turn.Version));
        Assert.Equal(["ask"], turn.Tags);

        var memory = await _host.Memories.GetAsync(turn.Id, Ct);
        Assert.Equal((MemoryTypes.Agent, "s", "Which port?", null), (memory.Type, memory.SessionId, memory.Content, memory.Title));
        Assert.Equal("""{"mood":"calm","role":"user"}""", memory.Metadata.GetRawText());
        Assert.Equal(
            [added.Messages[0].Id!.Value, turn.Id, added.Messages[2].Id!.Value],
            (await _host.Memories.ListAsync([new("sessionId", "s")], Ct)).Items.OrderBy(m => m.Id).Select(m => m.Id));
    }

    [Fact]
    public async Task Short_turns_are_said_as_often_as_they_are_said()
    {
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(new MessageCounts(3, 0, 0), (await _host.SayAsync("s", Talk.User("ok"), Talk.Assistant("ok"), Talk.User("ok"))).Counts);
        }

        var turns = await _host.HearAsync("s");
        Assert.Equal(Enumerable.Range(1, 9), turns.Ordinals());
        Assert.All(turns, t => Assert.Equal("ok", t.Content));
        Assert.Equal(9, turns.Select(t => t.Id).Distinct().Count());
    }

    [Fact]
    public async Task A_turn_that_is_sent_again_is_the_turn_that_is_there()
    {
        NewMessage[] transcript = [Talk.User("Hello", "1"), Talk.Assistant("Hi", "2")];
        var first = await _host.SayAsync("s", transcript);
        var second = await _host.SayAsync("s", [.. transcript, Talk.User("Bye", "3"), Talk.User("Hello", "1")]);

        Assert.Equal(new MessageCounts(1, 3, 0), second.Counts);
        Assert.Equal(["duplicate", "duplicate", "created", "duplicate"], second.Messages.Select(m => m.Status));
        Assert.Equal([1, 2, 3, 1], second.Messages.Select(m => m.Ordinal!.Value));
        Assert.Equal(first.Messages.Select(m => m.Id), second.Messages.Take(2).Select(m => m.Id));
        Assert.Equal(["Hello", "Hi", "Bye"], (await _host.HearAsync("s")).Contents());

        // The same id elsewhere is another turn.
        Assert.Equal(2, (await _host.SayAsync("t", transcript)).Counts.Created);
    }

    [Fact]
    public async Task An_id_that_says_something_else_is_an_error_of_that_message_alone()
    {
        await _host.SayAsync("s", Talk.User("Hello", "1"));

        var again = await _host.SayAsync("s", Talk.User("Good evening", "1"), Talk.Assistant("Hello", "1"), Talk.User("new", "2"), Talk.User("newer", "2"), Talk.User("Hello", "1"));

        Assert.Equal(["error", "error", "created", "error", "duplicate"], again.Messages.Select(m => m.Status));
        Assert.Equal(new MessageCounts(1, 1, 3), again.Counts);
        Assert.All(again.Messages.Where(m => m.Error is not null), m => Assert.Equal((ErrorCodes.Conflict, "clientId", null, null), (m.Error!.Code, m.Error.Field, m.Id, m.Ordinal)));
        Assert.Contains("'1' names turn 1", again.Messages[0].Error!.Message, StringComparison.Ordinal);
        Assert.Contains("'2' names turn 2", again.Messages[3].Error!.Message, StringComparison.Ordinal);
        Assert.Equal(["Hello", "new"], (await _host.HearAsync("s")).Contents());
    }

    [Fact]
    public async Task What_was_changed_since_is_still_what_was_said()
    {
        var id = (await _host.SayAsync("s", Talk.User("Helo", "1"))).Messages[0].Id!.Value;
        await _host.Memories.PatchAsync(id, new { content = "Hello" }, 1, Ct);

        Assert.Equal(["duplicate", "error"], (await _host.SayAsync("s", Talk.User("Helo", "1"), Talk.User("Hullo", "1"))).Messages.Select(m => m.Status));
        Assert.Equal(("Hello", 2), (Assert.Single(await _host.HearAsync("s")).Content, (await _host.HearAsync("s"))[0].Version));
    }

    [Fact]
    public async Task An_id_that_a_memory_of_another_kind_has_as_its_key_is_an_error()
    {
        var now = new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);
        var imported = new MemoryDraft { Id = Guid.CreateVersion7(), Type = "agent", Source = "session_buddy", Content = "Hello", DedupeKey = "sb:1", OccurredAt = now };
        await _host.Get<MemoryWriteStore>().WriteAsync([imported], WriteMode.Insert, Ct);

        var error = Assert.Single((await _host.SayAsync("sb", Talk.User("Hello", "1"))).Messages).Error!;

        Assert.Equal((ErrorCodes.Conflict, "clientId"), (error.Code, error.Field));
        Assert.Equal(HttpStatusCode.NotFound, (await _host.Http.FetchAsync("/conversations/sb")).Status);
    }

    [Theory]
    [InlineData("proj/2026-01-31 12:00")]
    [InlineData("/home/me/Projects/x")]
    [InlineData("a:restore")]
    [InlineData("größe?&#%+.json")]
    [InlineData("C:\\work")]
    public async Task A_session_may_have_any_name(string session)
    {
        await _host.SayAsync(session, Talk.User("Hello", "1"));

        Assert.Equal(session, (await _host.Conversations.GetAsync(session, Ct)).SessionId);
        Assert.Equal("Hello", Assert.Single(await _host.HearAsync(session)).Content);
        await _host.Conversations.DeleteAsync(session, Ct);
        Assert.Equal(session, (await _host.Conversations.RestoreAsync(session, Ct)).SessionId);
        Assert.Equal(session, Assert.Single((await _host.Conversations.ListAsync([], Ct)).Items).SessionId);
    }

    [Fact]
    public async Task Names_with_colons_do_not_meet()
    {
        await _host.SayAsync("a:b", Talk.User("one", "c"));
        await _host.SayAsync("a", Talk.User("one", "b:c"));
        await _host.SayAsync("a\\", Talk.User("one", "b:c"));

        Assert.Equal(3, (await _host.Conversations.ListAsync([], Ct)).Items.Count);
    }

    [Fact]
    public async Task A_write_whose_answer_was_lost_finds_its_turns_when_it_is_repeated()
    {
        var store = _host.Get<ConversationStore>();
        var message = JsonSerializer.SerializeToElement(Talk.User("ok"), WireJson.Strict);
        var (turns, _) = new MessageInput("s", null, null, "test").Read([message, message, message], DateTimeOffset.UnixEpoch);

        var first = await store.AddAsync("s", turns, Ct);
        await _host.SayAsync("s", Talk.Assistant("in between"));
        var second = await store.AddAsync("s", turns, Ct);

        Assert.All(second, t => Assert.True(t.Created));
        Assert.Equal(first.Select(t => (t.Ordinal, t.Id)), second.Select(t => (t.Ordinal, t.Id)));
        Assert.Equal([1, 2, 3, 4], (await _host.HearAsync("s")).Ordinals());
    }

    [Fact]
    public async Task Pages_show_every_turn_once_forwards_backwards_and_by_speaker()
    {
        var turns = Enumerable.Range(1, 1_000).Select(i => i % 3 == 0 ? Talk.User($"turn {i}") : Talk.Assistant($"turn {i}")).ToList();
        Assert.Equal(new MessageCounts(1_000, 0, 0), (await _host.SayAsync("s", turns)).Counts);

        Assert.Equal(turns.Select(t => t.Content), (await _host.HearAsync("s", limit: 300)).Contents());
        Assert.Equal(turns.Select(t => t.Content).Reverse(), (await _host.HearAsync("s", limit: 300, order: "desc")).Contents());
        Assert.Equal(Enumerable.Range(1, 1_000).Where(i => i % 3 == 0), (await _host.HearAsync("s", limit: 100, role: "user")).Ordinals());
        Assert.Empty(await _host.HearAsync("s", role: "tool"));
    }

    [Fact]
    public async Task Turns_without_a_time_follow_each_other_in_time_as_in_place()
    {
        await _host.SayAsync("s", [.. Enumerable.Range(0, 50).Select(i => Talk.User($"{i}"))]);
        await _host.SayAsync("s", [.. Enumerable.Range(50, 50).Select(i => Talk.User($"{i}"))]);

        var turns = await _host.HearAsync("s");
        Assert.Equal(turns.Ordinals(), turns.OrderBy(t => t.OccurredAt).Ordinals());
        Assert.Equal(100, turns.Select(t => t.OccurredAt).Distinct().Count());
        Assert.Equal(turns.Take(50).Ordinals(), turns.Take(50).OrderBy(t => t.Id).Ordinals());
    }

    [Fact]
    public async Task What_was_said_around_a_turn_is_read_by_its_memory()
    {
        var added = await _host.SayAsync("s", [.. Enumerable.Range(1, 9).Select(i => Talk.User($"{i}"))]);
        Guid Id(int ordinal) => added.Messages[ordinal - 1].Id!.Value;
        await _host.Memories.DeleteAsync(Id(4), Ct);
        async Task<IEnumerable<int>> AroundAsync(int ordinal, int before = 2, int after = 2) => (await _host.Conversations.AroundAsync("s", Id(ordinal), before, after, Ct)).Items.Ordinals();

        Assert.Equal([2, 3, 5, 6, 7], await AroundAsync(5));
        Assert.Equal([1, 2, 3], await AroundAsync(1));
        Assert.Equal([9], await AroundAsync(9, before: 0));
        Assert.Equal([1, 2, 3, 5, 6, 7, 8, 9], await AroundAsync(6, 50, 50));
        foreach (var (session, id) in new[] { ("s", Id(4)), ("s", Guid.CreateVersion7()), ("t", Id(5)) })
        {
            Assert.Equal(HttpStatusCode.NotFound, (await _host.Http.FetchAsync($"/conversations/{session}/messages?around={id}")).Status);
        }
    }

    [Fact]
    public async Task A_page_ends_where_its_texts_become_too_much()
    {
        var text = new string('x', 3 * 1024 * 1024);
        var ids = new List<Guid>();
        for (var i = 0; i < 8; i++)
        {
            ids.Add((await _host.SayAsync("s", Talk.User($"{i} {text}"))).Messages[0].Id!.Value);
        }

        Assert.Equal(6, (await _host.Conversations.MessagesAsync("s", [], Ct)).Items.Count);
        Assert.Equal(Enumerable.Range(1, 8), (await _host.HearAsync("s")).Ordinals());
        Assert.Equal(6, (await _host.Conversations.AroundAsync("s", ids[3], 5, 5, Ct)).Items.Count);
        Assert.Contains(4, (await _host.Conversations.AroundAsync("s", ids[3], 5, 5, Ct)).Items.Ordinals());
    }
}
