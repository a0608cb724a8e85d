using Mahavishnu.Contracts;

namespace Mahavishnu.EndToEnd.Tests;

public abstract partial class Suite
{
    private ConversationsClient Conversations => new(System.Http);

    private static NewMessage Says(string role, string content, string? clientId = null) => new() { Role = role, Content = content, ClientId = clientId };

    [Fact]
    public async Task What_was_said_is_found_within_a_session_and_across_and_read_with_what_was_said_around_it()
    {
        var (project, one, two) = (Unique("talk"), $"{Unique("one")}/{Guid.NewGuid()}", Unique("two"));
        var added = await Conversations.AddAsync(
            one,
            [
                Says("user", "Good morning."), Says("user", "Which database does the billing service use?"), Says("assistant", "Postgres, since March."),
                Says("user", "ok"), Says("assistant", "Anything else?"),
            ],
            agentId: "claude", projectId: project, ct: Ct);
        await Conversations.AddAsync(two, [Says("user", "The billing database was slow."), Says("user", "ok")], projectId: project, ct: Ct);

        var across = await System.Search.SearchAsync(new SearchRequest { Query = "billing database", ProjectId = project, Mode = SearchModes.Text, GroupBy = "session" }, Ct);
        var within = await System.Search.SearchAsync(new SearchRequest { Query = "billing database", SessionId = one, Mode = SearchModes.Text }, Ct);

        Assert.Equal(new HashSet<string?> { one, two }, across.Hits.Select(h => h.SessionId).ToHashSet());
        var hit = Assert.Single(within.Hits);
        Assert.Equal((added.Messages[1].Id, "user"), (hit.Id, hit.Metadata.GetProperty("role").GetString()));
        var around = await Conversations.AroundAsync(one, hit.Id, before: 1, after: 2, Ct);
        Assert.Equal(["Good morning.", "Which database does the billing service use?", "Postgres, since March.", "ok"], around.Items.Select(t => t.Content));
        Assert.Equal([1, 2, 3, 4], around.Items.Select(t => t.Ordinal));

        // A neighbour is understood through the turn it answers.
        foreach (var message in added.Messages)
        {
            await EmbeddedAsync(message.Id!.Value);
        }

        var lifted = await System.Search.SearchAsync(new SearchRequest { Query = "billing database Postgres", SessionId = one, Explain = true }, Ct);
        Assert.True(lifted.Hits.Single(h => h.Id == added.Messages[2].Id).Explain!.Neighbour > 0);

        await Conversations.DeleteAsync(one, Ct);
        Assert.Equal(two, Assert.Single((await System.Search.SearchAsync(new SearchRequest { Query = "billing database", ProjectId = project }, Ct)).Hits.DistinctBy(h => h.SessionId)).SessionId);
        Assert.Equal((one, 5), ((await Conversations.RestoreAsync(one, Ct)).SessionId, (await Conversations.GetAsync(one, Ct)).Messages));
        Assert.Equal(new HashSet<string> { one, two }, (await Conversations.ListAsync([new("projectId", project)], Ct)).Items.Select(c => c.SessionId).ToHashSet());
    }

    [Fact]
    public async Task Fifty_agents_write_fifty_conversations_at_once_and_each_reads_back_complete_and_in_order()
    {
        const int Turns = 12;
        var prefix = Unique("agent");
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async agent =>
        {
            for (var turn = 0; turn < Turns; turn += 2)
            {
                var added = await Conversations.AddAsync($"{prefix}/{agent}", [Says("user", "ok", $"{turn}"), Says("assistant", "ok", $"{turn + 1}")], agentId: $"{prefix}-{agent}", ct: Ct);
                Assert.Equal(new MessageCounts(2, 0, 0), added.Counts);
            }
        }));

        foreach (var agent in Enumerable.Range(0, 50))
        {
            var read = (await Conversations.MessagesAsync($"{prefix}/{agent}", [], Ct)).Items;
            Assert.Equal(Enumerable.Range(0, Turns).Select(t => (t + 1, (string?)$"{t}", t % 2 == 0 ? "user" : "assistant")), read.Select(t => (t.Ordinal, t.ClientId, t.Role)));
            Assert.All(read, t => Assert.Equal($"{prefix}-{agent}", t.AgentId));
        }
    }
}
