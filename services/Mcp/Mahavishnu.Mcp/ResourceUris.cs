namespace Mahavishnu.Mcp;

/// <summary>The addresses under which clients read what is stored as a whole.</summary>
internal static class ResourceUris
{
    public const string MemoryTemplate = "memory://{id}";
    public const string ConversationTemplate = "conversation://{sessionId}";
    public const string RepositoryTemplate = "repo://{repoId}/{+path}";

    private const string MemoryScheme = "memory://";
    private const string ConversationScheme = "conversation://";
    private const string RepositoryScheme = "repo://";

    public static string Memory(Guid id) => MemoryScheme + id;

    public static string Conversation(string sessionId) => ConversationScheme + Uri.EscapeDataString(sessionId);

    public static string File(string repoId, string path) =>
        $"{RepositoryScheme}{Uri.EscapeDataString(repoId)}/{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}";

    public static bool IsMemory(string uri, out Guid id)
    {
        id = default;
        return uri.StartsWith(MemoryScheme, StringComparison.OrdinalIgnoreCase) && Guid.TryParseExact(uri[MemoryScheme.Length..].TrimEnd('/'), "D", out id);
    }

    // conversation://demo%2F1; a slash at the end is a client's own.
    public static bool IsConversation(string uri, out string sessionId)
    {
        sessionId = uri.StartsWith(ConversationScheme, StringComparison.OrdinalIgnoreCase) ? Uri.UnescapeDataString(uri[ConversationScheme.Length..].TrimEnd('/')) : "";
        return sessionId.Length > 0;
    }

    // repo://mahavishnu/services/Search/Searcher.cs
    public static bool IsFile(string uri, out string repoId, out string path)
    {
        (repoId, path) = ("", "");
        if (!uri.StartsWith(RepositoryScheme, StringComparison.OrdinalIgnoreCase) || uri[RepositoryScheme.Length..].Split('/', 2) is not [{ Length: > 0 } repo, { Length: > 0 } rest])
        {
            return false;
        }

        (repoId, path) = (Uri.UnescapeDataString(repo), Uri.UnescapeDataString(rest));
        return true;
    }
}
