using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text;
using Mahavishnu.Contracts;

namespace Mahavishnu.Mcp;

internal sealed record AddConversationArguments
{
    [Description("Names the conversation, in every call the same")]
    public required string SessionId { get; init; }

    [Description("In the order in which they were said"), MinLength(1)]
    public required IReadOnlyList<SpokenTurn> Messages { get; init; }

    public string? ProjectId { get; init; }

    public string? AgentId { get; init; }
}

internal sealed record SpokenTurn
{
    [AllowedValues(ConversationRoles.System, ConversationRoles.User, ConversationRoles.Assistant, ConversationRoles.Tool)]
    public required string Role { get; init; }

    public required string Content { get; init; }

    [Description("Your id of this turn: sent again, it is stored once")]
    public string? ClientId { get; init; }

    public DateTimeOffset? OccurredAt { get; init; }
}

/// <param name="Created">Turns that are new.</param>
/// <param name="Duplicate">Turns that were there already.</param>
internal sealed record AddedConversation(string SessionId, string Uri, int Created, int Duplicate)
{
    public IReadOnlyList<RefusedTurn>? Refused { get; init; }
}

/// <param name="Index">Place in the call, from 0.</param>
internal sealed record RefusedTurn(int Index, string Message);

/// <summary>Stores turns of a conversation.</summary>
internal sealed class AddConversationTool(ConversationsClient conversations) : MemoryTool<AddConversationArguments, AddedConversation>(
    "add_conversation", "Store a conversation",
    "Store turns of a conversation word for word, to be found and read in order. Call it when the user wants this conversation kept, or before its context is lost; send only new turns, or give each a clientId. "
    + "For one fact out of it call add_memory.",
    ToolEffects.Appends)
{
    protected override async Task<ToolAnswer<AddedConversation>> AnswerAsync(AddConversationArguments arguments, CancellationToken ct)
    {
        var added = await conversations.AddAsync(
            arguments.SessionId,
            [.. arguments.Messages.Select(m => new NewMessage { Role = m.Role, Content = m.Content, ClientId = m.ClientId, OccurredAt = m.OccurredAt })],
            arguments.AgentId, arguments.ProjectId, source: "mcp", ct);
        var refused = added.Messages.Where(m => m.Error is not null)
            .Select(m => new RefusedTurn(m.Index, FormattableString.Invariant($"messages[{m.Index}]{(m.Error!.Field is { } field ? $".{field}" : "")}: {m.Error.Message}"))).ToList();
        if (refused.Count == added.Messages.Count)
        {
            throw new ToolRefusal(string.Join('\n', refused.Select(r => r.Message)));
        }

        var answer = new AddedConversation(added.SessionId, ResourceUris.Conversation(added.SessionId), added.Counts.Created, added.Counts.Duplicate) { Refused = refused.Count > 0 ? refused : null };
        return new(answer, Text(answer));
    }

    private static string Text(AddedConversation added)
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{added.Created} stored, {added.Duplicate} known already: {added.Uri}");
        foreach (var refused in added.Refused ?? [])
        {
            text.Append(CultureInfo.InvariantCulture, $"\nNot stored: {refused.Message}");
        }

        return text.ToString();
    }
}
