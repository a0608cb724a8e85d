namespace Mahavishnu.Embeddings;

/// <summary>The words that a model was trained to see before a document and before a question; each model's own card says them.</summary>
internal sealed record PrefixProfile(string Name, string Document, string Question)
{
    private const string Passages = "Represent this sentence for searching relevant passages: ";

    /// <summary>Texts as they are.</summary>
    public static PrefixProfile None { get; } = new("none", "", "");

    private static readonly PrefixProfile[] All =
    [
        None,
        new("nomic", "search_document: ", "search_query: "),
        new("mxbai", "", Passages),
        new("bge", "", Passages),
        new("arctic", "", Passages),
        new("arctic2", "", "query: "),
        new("e5", "passage: ", "query: "),
        new("embeddinggemma", "title: none | text: ", "task: search result | query: "),
        new("qwen3", "", "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"),
    ];

    // The first beginning that fits decides.
    private static readonly (string Family, string Profile)[] Known =
    [
        ("nomic-embed", "nomic"),
        ("mxbai-embed", "mxbai"),
        ("bge-m3", "none"),
        ("bge-", "bge"),
        ("all-minilm", "none"),
        ("snowflake-arctic-embed2", "arctic2"),
        ("snowflake-arctic-embed", "arctic"),
        ("e5-", "e5"),
        ("multilingual-e5", "e5"),
        ("embeddinggemma", "embeddinggemma"),
        ("qwen3-embedding", "qwen3"),
    ];

    /// <summary>What <c>Embedding:Profile</c> may say.</summary>
    public static IEnumerable<string> Names => All.Select(p => p.Name);

    /// <returns>Null where there is none of that name.</returns>
    public static PrefixProfile? Find(string name) => Array.Find(All, p => p.Name == name);

    /// <summary>The one that belongs to a model of this name; none for a model nobody knows.</summary>
    public static PrefixProfile Of(string model)
    {
        var family = OllamaName.Family(model);
        return Known.Where(k => family.StartsWith(k.Family, StringComparison.Ordinal)).Select(k => Find(k.Profile)).FirstOrDefault() ?? None;
    }
}
