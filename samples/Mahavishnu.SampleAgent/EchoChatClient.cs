using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Mahavishnu.SampleAgent;

/// <summary>Stands where a model would: says again what it was given, always the same way. It understands nothing.</summary>
internal sealed class EchoChatClient : IChatClient
{
    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, Answer([.. messages]))));

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
        {
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
        // Holds nothing.
    }

    private static string Answer(List<ChatMessage> messages)
    {
        var asked = messages.FindLastIndex(m => m.Role == ChatRole.User);
        var recalled = asked > 0 && messages[asked - 1] is { Text: var text } before && before.Role == ChatRole.User && text.StartsWith("<memory>", StringComparison.Ordinal)
            ? text.Split('\n').Where(l => l.StartsWith("- ", StringComparison.Ordinal)).ToList()
            : [];
        return $"You said: {messages[asked].Text} {(recalled.Count == 0 ? "I recall nothing." : $"I recall: {string.Join(" ", recalled.Select(l => l[2..]))}")}";
    }
}
