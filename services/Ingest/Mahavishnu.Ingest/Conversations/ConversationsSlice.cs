using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Mahavishnu.Ingest;

/// <summary>Conversations: turns added, read back in order and around one of them, deleted and restored as a whole.</summary>
internal static class ConversationsSlice
{
    public static void Add(IServiceCollection services)
    {
        services.TryAddSingleton<ConversationStore>();
        services.TryAddSingleton<ConversationReadStore>();
    }

    public static void Map(IEndpointRouteBuilder routes)
    {
        AddMessages.Map(routes);
        ListMessages.Map(routes);
        ReadConversations.Map(routes);
        DeleteConversation.Map(routes);
    }
}
