using System.Globalization;
using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest.Tests;

/// <summary>Many agents at once: every conversation reads back complete and in order.</summary>
public sealed class ConversationConcurrencyTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const int Agents = 50;

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
    public async Task Fifty_agents_write_fifty_conversations()
    {
        const int Calls = 8;
        await Task.WhenAll(Enumerable.Range(0, Agents).Select(async agent =>
        {
            for (var call = 0; call < Calls; call++)
            {
                // One turn, then several; every other call is repeated, as by an agent that got no answer.
                var turns = Enumerable.Range(0, 1 + (call % 3)).Select(i => Talk.User("ok", $"{call}.{i}")).Append(Talk.Assistant("ok")).ToList();
                Assert.Equal(new MessageCounts(turns.Count, 0, 0), (await _host.SayAsync($"session {agent}", turns)).Counts);
                if (call % 2 == 0)
                {
                    Assert.Equal(new MessageCounts(0, turns.Count - 1, 0), (await _host.SayAsync($"session {agent}", turns[..^1])).Counts);
                }
            }
        }));

        foreach (var agent in Enumerable.Range(0, Agents))
        {
            var turns = await _host.HearAsync($"session {agent}", limit: 7);
            Assert.Equal(Enumerable.Range(1, turns.Count), turns.Ordinals());
            Assert.Equal(
                Enumerable.Range(0, Calls).SelectMany(call => Enumerable.Range(0, 1 + (call % 3)).Select(i => (string?)$"{call}.{i}").Append(null)),
                turns.Select(t => t.ClientId));
        }

        Assert.Equal(Agents, (await _host.Conversations.ListAsync([], Ct)).Items.Count);
    }

    [Fact]
    public async Task Fifty_agents_write_one_conversation()
    {
        const int Calls = 6;
        await Task.WhenAll(Enumerable.Range(0, Agents).Select(async agent =>
        {
            for (var call = 0; call < Calls; call++)
            {
                var added = await _host.SayAsync("one", Talk.User("ok"), Talk.Assistant(string.Create(CultureInfo.InvariantCulture, $"{agent} {call}")));
                // What is written together stands together.
                Assert.Equal(added.Messages[0].Ordinal + 1, added.Messages[1].Ordinal);
            }
        }));

        var turns = await _host.HearAsync("one", limit: 100);
        Assert.Equal(Enumerable.Range(1, Agents * Calls * 2), turns.Ordinals());
        Assert.Equal(turns.Ordinals(), turns.OrderBy(t => t.OccurredAt).Ordinals());
        foreach (var agent in Enumerable.Range(0, Agents))
        {
            Assert.Equal(
                Enumerable.Range(0, Calls).Select(call => string.Create(CultureInfo.InvariantCulture, $"{agent} {call}")),
                turns.Contents().Where(c => c.StartsWith(string.Create(CultureInfo.InvariantCulture, $"{agent} "), StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task The_same_transcript_from_many_at_once_is_stored_once()
    {
        var transcript = Enumerable.Range(0, 100).Select(i => Talk.User($"turn {i}", $"{i}")).ToList();

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => _host.SayAsync("one", transcript)));

        Assert.Equal((100, 900, 0), (answers.Sum(a => a.Counts.Created), answers.Sum(a => a.Counts.Duplicate), answers.Sum(a => a.Counts.Error)));
        Assert.Equal(transcript.Select(t => t.Content), (await _host.HearAsync("one")).Contents());
    }

    [Fact]
    public async Task Turns_that_come_while_their_conversation_is_deleted_and_restored_are_never_lost()
    {
        const int Turns = 60;
        await _host.SayAsync("one", Talk.User("first"));
        var writer = Task.Run(
            async () =>
            {
                for (var i = 0; i < Turns; i++)
                {
                    Assert.Equal(1, (await _host.SayAsync("one", Talk.User($"{i}", $"{i}"))).Counts.Created);
                }
            },
            Ct);
        while (!writer.IsCompleted)
        {
            foreach (var (method, path) in new[] { (HttpMethod.Delete, "/conversations/one"), (HttpMethod.Post, "/conversations/one:restore") })
            {
                var answer = await _host.Http.AskAsync(method, path);
                Assert.True((int)answer.Status is 200 or 204, $"{method} {answer.Status}");
            }
        }

        await writer;
        Assert.Equal(Enumerable.Range(1, Turns + 1), (await _host.HearAsync("one")).Ordinals());
    }
}
