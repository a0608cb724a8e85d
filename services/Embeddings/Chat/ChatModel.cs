namespace Mahavishnu.Embeddings;

/// <summary>Which model is asked, and where.</summary>
/// <param name="Name">As the server knows it.</param>
/// <param name="Url">Where it answers; null: where Ollama answers for embeddings.</param>
/// <param name="UrlKey">The setting that <paramref name="Url"/> is of: faults name it.</param>
/// <param name="Timeout">How long one call may take; the first one loads the model.</param>
public sealed record ChatModel(string Name, string? Url, string UrlKey, TimeSpan Timeout);
