using System.Security.Cryptography;
using System.Text;

namespace Mahavishnu.OllamaStandIn;

/// <summary>A model that the stand-in has, or that can be pulled from it.</summary>
/// <param name="Name">Without a tag it is <c>:latest</c>, as with the real one.</param>
/// <param name="Dimensions">Length of its vectors.</param>
public sealed record StandInModel(string Name, int Dimensions)
{
    /// <summary>What <c>ollama pull nomic-embed-text</c> brings.</summary>
    public static StandInModel NomicEmbedText { get; } = new("nomic-embed-text", 768) { Architecture = "nomic-bert" };

    public static StandInModel AllMiniLm { get; } = new("all-minilm", 384) { ContextLength = 512 };

    public static StandInModel MxbaiEmbedLarge { get; } = new("mxbai-embed-large", 1024) { ContextLength = 512 };

    /// <summary>A model that talks; the real one computes vectors with it all the same.</summary>
    public static StandInModel Chatting { get; } = new("llama3.2", 3072) { Architecture = "llama", Tokenizer = "gpt2", ContextLength = 131_072, Capabilities = ["completion", "tools"] };

    /// <summary>Other content, other digest, other vectors.</summary>
    public string Digest { get; init; } = DigestOf(Name, 1);

    public int ContextLength { get; init; } = 2_048;

    /// <summary>First part of the keys under <c>model_info</c>.</summary>
    public string Architecture { get; init; } = "bert";

    /// <summary><c>tokenizer.ggml.model</c>; <c>bert</c> is WordPiece.</summary>
    public string Tokenizer { get; init; } = "bert";

    /// <summary><c>tokenizer.ggml.tokens</c>, as the file has them: a word's beginning is marked by U+2581.</summary>
    public IReadOnlyList<string> Vocabulary { get; init; } = StandInVocabulary.English;

    public IReadOnlyList<string> Capabilities { get; init; } = ["embedding"];

    /// <summary>What <c>embedding_length</c> says; null leaves it out.</summary>
    public int? ShownDimensions { get; init; } = Dimensions;

    /// <summary>Bytes to pull.</summary>
    public long Size { get; init; } = 1_000_000;

    /// <summary>The vectors of texts that are not to have those of their words; null where it has none for a text.</summary>
    public Func<string, float[]?>? Given { get; init; }

    /// <summary>With the tag, as the server lists it.</summary>
    internal string FullName => FullNameOf(Name);

    /// <summary>The same name with other content, as after somebody has published a new version.</summary>
    public StandInModel Version(int version) => this with { Digest = DigestOf(Name, version) };

    internal static string FullNameOf(string name) => (name.LastIndexOf(':') > name.LastIndexOf('/') ? name : name + ":latest").ToLowerInvariant();

    private static string DigestOf(string name, int version) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{name} {version}"))));
}
