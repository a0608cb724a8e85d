namespace Mahavishnu.Embeddings;

/// <summary>Model names as Ollama understands them: <c>nomic-embed-text</c> is <c>nomic-embed-text:latest</c>, and case does not matter.</summary>
internal static class OllamaName
{
    private const string DefaultTag = ":latest";

    /// <summary>With its tag, as the server lists it.</summary>
    public static string Full(string name) => name.LastIndexOf(':') > name.LastIndexOf('/') ? name : name + DefaultTag;

    /// <summary>As a person writes it: one model has one name in every space.</summary>
    public static string Short(string name) => name.EndsWith(DefaultTag, StringComparison.OrdinalIgnoreCase) ? name[..^DefaultTag.Length] : name;

    /// <summary>Whether both names mean one model.</summary>
    public static bool Same(string one, string other) => string.Equals(Full(one), Full(other), StringComparison.OrdinalIgnoreCase);

    /// <summary>Without namespace and tag: <c>nomic-embed-text</c> of <c>somebody/nomic-embed-text:v1.5</c>.</summary>
    public static string Family(string name)
    {
        var last = name[(name.LastIndexOf('/') + 1)..];
        return (last.IndexOf(':', StringComparison.Ordinal) is >= 0 and var tag ? last[..tag] : last).ToLowerInvariant();
    }
}
