using Mahavishnu.Contracts;

namespace Mahavishnu.Embeddings;

/// <summary>A model that talks and cannot be used, or an answer of it that cannot.</summary>
/// <param name="reason">One of <see cref="ChatReasons"/>.</param>
/// <param name="hint">The command that would change it, e.g. <c>ollama pull llama3.2</c>.</param>
public sealed class ChatModelException(string reason, string message, string? hint = null, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>One of <see cref="ChatReasons"/>.</summary>
    public string Reason { get; } = reason;

    /// <summary>The command that would change it; null where there is none.</summary>
    public string? Hint { get; } = hint;

    /// <summary>True where nothing at all can be asked now: it is not the fault of what was asked.</summary>
    public bool IsModelWide => Reason is ChatReasons.ModelAway or ChatReasons.ModelMissing;
}
