using System.Net;
using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest.Tests;

/// <summary>A conversation goes as a whole and comes back as a whole; a turn that goes alone leaves the others where they are.</summary>
public sealed class ConversationDeletionTests(PostgresFixture postgres) : IAsyncLifetime
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
    public async Task A_deleted_conversation_is_gone_with_its_vectors_until_it_is_restored()
    {
        var added = await _host.SayAsync("s", [.. Enumerable.Range(1, 40).Select(i => Talk.User($"turn {i}", $"{i}"))]);
        await _host.SayAsync("t", Talk.User("stays"));
        await EmbeddedAsync(41);

        await _host.Conversations.DeleteAsync("s", Ct);

        foreach (var path in (string[])["/conversations/s", "/conversations/s/messages", $"/memories/{added.Messages[0].Id}"])
        {
            Assert.Equal(HttpStatusCode.NotFound, (await _host.Http.FetchAsync(path)).Status);
        }

        Assert.Equal("t", Assert.Single((await _host.Conversations.ListAsync([], Ct)).Items).SessionId);
        Assert.Empty((await _host.Memories.ListAsync([new("sessionId", "s")], Ct)).Items);
        Assert.Equal(1, (await _host.Admin.EmbeddingsAsync(Ct)).Spaces.Single().Vectors);
        Assert.Equal(("delete", 1), ((await _host.Memories.HistoryAsync(added.Messages[7].Id!.Value, Ct)).Items.Single().Change, (await _host.Memories.HistoryAsync(added.Messages[7].Id!.Value, Ct)).Items.Single().Version));

        Assert.Equal(40, (await _host.Conversations.RestoreAsync("s", Ct)).Messages);

        var turns = await _host.HearAsync("s");
        Assert.Equal(added.Messages.Select(m => (m.Ordinal!.Value, m.Id!.Value)), turns.Select(t => (t.Ordinal, t.Id)));
        await EmbeddedAsync(41);
        Assert.Equal(new MessageCounts(0, 1, 0), (await _host.SayAsync("s", Talk.User("turn 5", "5"))).Counts);
    }

    [Fact]
    public async Task A_turn_deleted_alone_leaves_the_others_their_places_and_does_not_come_back_with_them()
    {
        var added = await _host.SayAsync("s", Talk.User("one", "1"), Talk.User("two", "2"), Talk.User("three", "3"));
        await _host.Memories.DeleteAsync(added.Messages[1].Id!.Value, Ct);
        Assert.Equal([1, 3], (await _host.HearAsync("s")).Ordinals());
        Assert.Equal(2, (await _host.Conversations.GetAsync("s", Ct)).Messages);

        await _host.Conversations.DeleteAsync("s", Ct);
        await _host.Conversations.RestoreAsync("s", Ct);
        Assert.Equal([1, 3], (await _host.HearAsync("s")).Ordinals());

        // What was deleted may be said anew, at the end.
        Assert.Equal(4, (await _host.SayAsync("s", Talk.User("two", "2"))).Messages[0].Ordinal);
        Assert.Equal([1, 3, 4], (await _host.HearAsync("s")).Ordinals());
    }

    [Fact]
    public async Task A_deleted_conversation_that_goes_on_gets_its_beginning_back_but_for_what_was_said_again()
    {
        await _host.SayAsync("s", Talk.User("one", "1"), Talk.User("two", "2"), Talk.User("ok"));
        await _host.Conversations.DeleteAsync("s", Ct);
        await _host.SayAsync("s", Talk.User("two", "2"), Talk.User("four", "4"));
        Assert.Equal([4, 5], (await _host.HearAsync("s")).Ordinals());

        Assert.Equal(4, (await _host.Conversations.RestoreAsync("s", Ct)).Messages);

        Assert.Equal(["one", "ok", "two", "four"], (await _host.HearAsync("s")).Contents());
        Assert.Equal(4, (await _host.Conversations.RestoreAsync("s", Ct)).Messages);
    }

    [Fact]
    public async Task A_restore_undoes_the_last_deletion()
    {
        await _host.SayAsync("s", Talk.User("one"));
        await _host.Conversations.DeleteAsync("s", Ct);
        await _host.SayAsync("s", Talk.User("two"));
        await _host.Conversations.DeleteAsync("s", Ct);

        await _host.Conversations.RestoreAsync("s", Ct);

        Assert.Equal(["two"], (await _host.HearAsync("s")).Contents());
    }

    [Fact]
    public async Task What_never_was_or_is_gone_is_not_found()
    {
        var added = await _host.SayAsync("s", Talk.User("one"));
        await _host.Memories.DeleteAsync(added.Messages[0].Id!.Value, Ct);

        foreach (var session in (string[])["s", "never"])
        {
            foreach (var (method, path) in ((HttpMethod, string)[])[
                (HttpMethod.Get, $"/conversations/{session}"), (HttpMethod.Get, $"/conversations/{session}/messages"),
                (HttpMethod.Delete, $"/conversations/{session}"), (HttpMethod.Post, $"/conversations/{session}:restore")])
            {
                var answer = await _host.Http.AskAsync(method, path);
                Assert.Equal((HttpStatusCode.NotFound, ErrorCodes.NotFound), (answer.Status, answer.Code));
                Assert.Contains($"'{session}'", (string?)answer.Body!["detail"], StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task A_turn_that_was_moved_to_another_session_is_no_turn_any_more()
    {
        var added = await _host.SayAsync("s", Talk.User("one"), Talk.User("two"));
        await _host.Memories.PatchAsync(added.Messages[0].Id!.Value, new { sessionId = "t" }, 1, Ct);

        Assert.Equal([2], (await _host.HearAsync("s")).Ordinals());
        await _host.Conversations.DeleteAsync("s", Ct);
        Assert.Equal("one", (await _host.Memories.GetAsync(added.Messages[0].Id!.Value, Ct)).Content);
    }

    private Task EmbeddedAsync(long vectors) =>
        Eventually.Async(() => _host.Admin.EmbeddingsAsync(Ct), e => e.Queue is { Pending: 0, Running: 0 } && e.Spaces.Single().Vectors == vectors, "The embedding");
}
