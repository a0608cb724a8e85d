using Mahavishnu.Contracts;

namespace Mahavishnu.Embeddings;

/// <summary>A model that cannot be used, or an answer of it that cannot be stored.</summary>
/// <param name="reason">One of <see cref="EmbeddingReasons"/>.</param>
/// <param name="hint">The command that would change it, e.g. <c>ollama pull nomic-embed-text</c>.</param>
public sealed class EmbeddingModelException(string reason, string message, string? hint = null, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>One of <see cref="EmbeddingReasons"/>.</summary>
    public string Reason { get; } = reason;

    /// <summary>The command that would change it; null where there is none.</summary>
    public string? Hint { get; } = hint;

    /// <summary>True where the text would do if it were shorter: split it further and try its parts.</summary>
    public bool TooLong { get; init; }

    /// <summary>True where the model is being downloaded: ask again in a while.</summary>
    public bool OnItsWay { get; init; }

    /// <summary>True where no text can be embedded now: nothing is wrong with the texts, and none of them counts an attempt.</summary>
    public bool IsModelWide => Reason is EmbeddingReasons.ModelAway or EmbeddingReasons.ModelMissing or EmbeddingReasons.ModelChanged;
}
