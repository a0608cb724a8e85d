using Mahavishnu.Contracts;
using Microsoft.Extensions.AI;

namespace Mahavishnu.Embeddings;

/// <summary>One model, ready to embed; safe for many threads.</summary>
public sealed class EmbeddingClient : IDisposable
{
    private static readonly Func<CancellationToken, Task> Unchanging = static _ => Task.CompletedTask;

    /// <summary>What the vectors are.</summary>
    public required EmbeddingModel Model { get; init; }

    /// <summary>Embeds what is stored, with the words the model wants before a document.</summary>
    public required IEmbeddingGenerator<string, Embedding<float>> Documents { get; init; }

    /// <summary>Embeds what is asked, with the words the model wants before a question.</summary>
    public required IEmbeddingGenerator<string, Embedding<float>> Questions { get; init; }

    /// <summary>Counts in the model's own tokens, or conservatively where those are not known.</summary>
    public required TokenMeter Tokens { get; init; }

    /// <summary>The longest text the model takes at once, in <see cref="Tokens"/>, prefix and special tokens already taken off; a longer one is embedded in parts.</summary>
    public required int MaxInputTokens { get; init; }

    /// <summary>Whether a vector is dear enough to be kept by its text's hash. The built-in model is quicker than looking up.</summary>
    public bool WorthCaching { get; init; }

    /// <summary>Calls that the model is given at a time; more would only wait.</summary>
    public int Concurrency { get; init; } = 2;

    /// <summary>Asks whether the provider still has this very model, so that vectors computed since the last call may be stored.</summary>
    public Func<CancellationToken, Task> Verify { private get; init; } = Unchanging;

    /// <summary>Asks whether the provider still has this very model. Called after embedding and before storing: a model replaced meanwhile stores nothing.</summary>
    /// <exception cref="EmbeddingModelException">It has not, or does not answer.</exception>
    public Task VerifyAsync(CancellationToken ct) => Verify(ct);

    /// <summary>Closes both generators.</summary>
    public void Dispose()
    {
        Documents.Dispose();
        Questions.Dispose();
    }
}
