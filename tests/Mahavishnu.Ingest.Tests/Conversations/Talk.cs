using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest.Tests;

/// <summary>Conversations as tests hold them.</summary>
internal static class Talk
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static NewMessage User(string content, string? clientId = null) => new() { Role = ConversationRoles.User, Content = content, ClientId = clientId };

    public static NewMessage Assistant(string content, string? clientId = null) => new() { Role = ConversationRoles.Assistant, Content = content, ClientId = clientId };

    public static Task<MessagesAdded> SayAsync(this TestHost host, string session, params IReadOnlyCollection<NewMessage> messages) =>
        host.Conversations.AddAsync(session, messages, ct: Ct);

    /// <summary>Every turn, in pages of <paramref name="limit"/>.</summary>
    public static async Task<IReadOnlyList<ConversationMessage>> HearAsync(this TestHost host, string session, int limit = 1_000, string? role = null, string? order = null)
    {
        var turns = new List<ConversationMessage>();
        string? cursor = null;
        do
        {
            var page = await host.Conversations.MessagesAsync(
                session, [new("limit", limit.ToString(System.Globalization.CultureInfo.InvariantCulture)), new("cursor", cursor), new("role", role), new("order", order)], Ct);
            turns.AddRange(page.Items);
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        return turns;
    }

    public static IEnumerable<string> Contents(this IEnumerable<ConversationMessage> turns) => turns.Select(t => t.Content);

    public static IEnumerable<int> Ordinals(this IEnumerable<ConversationMessage> turns) => turns.Select(t => t.Ordinal);
}
