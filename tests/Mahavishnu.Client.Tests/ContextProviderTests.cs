using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Mahavishnu.Contracts;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;

namespace Mahavishnu.Client.Tests;

/// <summary>The provider, called as Microsoft Agent Framework calls it around an agent's run.</summary>
[Experimental("MAAI001")]
public sealed class ContextProviderTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_agent_recalls_in_one_session_what_it_heard_in_another()
    {
        await using var world = await ClientWorld.StartAsync(postgres);
        await using var app = world.Connect();
        var agent = new RemindedAgent(new Listener(), new MemoryContextProvider(app.Memory));
        var first = await agent.CreateSessionAsync(Ct);

        await agent.RunAsync("The ferry to the island is called Iris.", first, cancellationToken: Ct);
        await agent.RunAsync("It leaves at noon.", first, cancellationToken: Ct);
        await agent.RunAsync("What is the ferry called?", await agent.CreateSessionAsync(Ct), cancellationToken: Ct);
        var sessions = (await app.Get<ConversationsClient>().ListAsync([], Ct)).Items;

        Assert.Contains(agent.Chat.Heard, m => m.Text.StartsWith("<memory>", StringComparison.Ordinal) && m.Text.Contains("called Iris", StringComparison.Ordinal));
        Assert.Equal([2, 4], sessions.Select(s => s.Messages).Order());
        Assert.Empty(app.Log);
    }

    /// <summary>An agent that does what the framework's own does with a provider; the framework's package is not to be had everywhere.</summary>
    private sealed class RemindedAgent(Listener chat, AIContextProvider provider) : AIAgent
    {
        public Listener Chat => chat;

        protected override ValueTask<AgentSession> CreateSessionCoreAsync(CancellationToken cancellationToken = default) => new(new Session());

        protected override ValueTask<JsonElement> SerializeSessionCoreAsync(AgentSession session, JsonSerializerOptions? jsonSerializerOptions = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        protected override ValueTask<AgentSession> DeserializeSessionCoreAsync(JsonElement serializedState, JsonSerializerOptions? jsonSerializerOptions = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        protected override async Task<AgentResponse> RunCoreAsync(IEnumerable<ChatMessage> messages, AgentSession? session = null, AgentRunOptions? options = null, CancellationToken cancellationToken = default)
        {
            var context = await provider.InvokingAsync(new AIContextProvider.InvokingContext(this, session, new AIContext { Messages = [.. messages] }), cancellationToken);
            var asked = context.Messages!.ToList();
            var response = await chat.GetResponseAsync(asked, cancellationToken: cancellationToken);
            await provider.InvokedAsync(new AIContextProvider.InvokedContext(this, session, asked, response.Messages), cancellationToken);
            return new AgentResponse(response);
        }

        protected override async IAsyncEnumerable<AgentResponseUpdate> RunCoreStreamingAsync(
            IEnumerable<ChatMessage> messages, AgentSession? session = null, AgentRunOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            foreach (var update in (await RunCoreAsync(messages, session, options, cancellationToken)).ToAgentResponseUpdates())
            {
                yield return update;
            }
        }

        private sealed class Session : AgentSession;
    }
}
