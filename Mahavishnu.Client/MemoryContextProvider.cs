using System.Text.Json;
using Microsoft.Agents.AI;

namespace Mahavishnu.Client;

/// <summary>For Microsoft Agent Framework: recalls before an agent runs and stores after it did. The session keeps the conversation's name, also where it is saved and loaded.</summary>
public sealed class MemoryContextProvider(ChatMemory memory) : AIContextProvider
{
    private readonly ProviderSessionState<Conversed> _state = new(_ => new Conversed { SessionId = Guid.CreateVersion7().ToString() }, nameof(MemoryContextProvider), JsonSerializerOptions.Web);

    protected override async ValueTask<AIContext> ProvideAIContextAsync(InvokingContext context, CancellationToken cancellationToken = default) =>
        new() { Messages = await memory.RecallAsync(context.AIContext.Messages ?? [], Name(context.Session), cancellationToken) is { } recalled ? [recalled] : null };

    protected override async ValueTask StoreAIContextAsync(InvokedContext context, CancellationToken cancellationToken = default) =>
        await memory.StoreAsync(Name(context.Session), [.. context.RequestMessages, .. context.ResponseMessages ?? []], cancellationToken);

    private string Name(AgentSession? session) => _state.GetOrInitializeState(session).SessionId;

    private sealed class Conversed
    {
        public required string SessionId { get; init; }
    }
}
