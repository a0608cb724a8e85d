using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Mahavishnu.Client;

/// <summary>Puts a memory around chat clients.</summary>
public static class RememberingChat
{
    /// <summary>A client that recalls before each turn and stores after it. Put it around the one that calls functions: a turn is what the user sees.</summary>
    /// <param name="sessionId">Names the conversation, where <see cref="ChatOptions.ConversationId"/> does not; default: a new one.</param>
    public static IChatClient WithMemory(this IChatClient chat, ChatMemory memory, string? sessionId = null) =>
        new RememberingChatClient(chat, memory, sessionId ?? Guid.CreateVersion7().ToString());
}

/// <summary>Recalls, asks, stores.</summary>
internal sealed class RememberingChatClient(IChatClient inner, ChatMemory memory, string sessionId) : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var (given, session) = (messages.ToList(), options?.ConversationId ?? sessionId);
        var response = await base.GetResponseAsync(await RecalledAsync(given, session, cancellationToken), options, cancellationToken);
        await memory.StoreAsync(session, [.. New(given), .. response.Messages], cancellationToken);
        return response;
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var (given, session) = (messages.ToList(), options?.ConversationId ?? sessionId);
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in base.GetStreamingResponseAsync(await RecalledAsync(given, session, cancellationToken), options, cancellationToken))
        {
            updates.Add(update);
            yield return update;
        }

        await memory.StoreAsync(session, [.. New(given), .. updates.ToChatResponse().Messages], cancellationToken);
    }

    /// <summary>What is recalled stands before the user's last message, so that this one stays the last word.</summary>
    private async Task<IReadOnlyList<ChatMessage>> RecalledAsync(List<ChatMessage> messages, string session, CancellationToken ct)
    {
        if (await memory.RecallAsync(messages, session, ct) is not { } recalled)
        {
            return messages;
        }

        var at = messages.FindLastIndex(m => m.Role == ChatRole.User);
        return [.. messages[..at], recalled, .. messages[at..]];
    }

    /// <summary>What was said since the assistant spoke last; what came before was stored with its own turn.</summary>
    private static IEnumerable<ChatMessage> New(List<ChatMessage> messages) => messages.Skip(messages.FindLastIndex(m => m.Role == ChatRole.Assistant) + 1);
}
