using Mahavishnu.Contracts;
using Microsoft.Extensions.AI;

namespace Mahavishnu.Embeddings;

/// <summary>The model that needs no download and is never away.</summary>
internal sealed class BuiltinProvider : IEmbeddingProvider
{
    // A vector of the built-in model says little about a very long text; parts of this size are found better.
    private const int MaxInputTokens = 2_048;

    public string Name => EmbeddingProviders.Builtin;

    public Task<EmbeddingModel> DescribeAsync(string model, string? profile, string distance, CancellationToken ct)
    {
        if (model is not (EmbeddingProviders.Builtin or HashModel.Name))
        {
            throw new EmbeddingModelException(EmbeddingReasons.ModelMissing, $"The built-in model is {HashModel.Name}; there is no built-in {model}.");
        }

        if (profile is not (null or HashModel.PrefixProfile))
        {
            throw new EmbeddingModelException(EmbeddingReasons.ModelMissing, $"{HashModel.Name} knows no prefix profile but {HashModel.PrefixProfile}.");
        }

        return Task.FromResult(HashModel.Info with { Distance = distance });
    }

    public Task<EmbeddingClient> OpenAsync(EmbeddingModel model, CancellationToken ct) =>
        model with { Distance = HashModel.Info.Distance } == HashModel.Info
            ? Task.FromResult(new EmbeddingClient
            {
                Model = model,
                Documents = Traced(),
                Questions = Traced(),
                Tokens = TokenMeter.Approximate,
                MaxInputTokens = MaxInputTokens,
                Concurrency = Math.Max(1, Environment.ProcessorCount),
            })
            : throw new EmbeddingModelException(EmbeddingReasons.ModelChanged,
                $"This program's built-in model is {HashModel.Name} ({HashModel.Info.Digest[..12]}); the stored vectors are of {model.Model} ({Short(model.Digest)}).",
                "mahavishnu embeddings add builtin");

    // By the names that any other model has: a trace does not say less because the model is near.
    private static IEmbeddingGenerator<string, Embedding<float>> Traced() =>
        new HashEmbeddingGenerator().AsBuilder().UseOpenTelemetry(sourceName: EmbeddingTelemetry.Name).Build();

    private static string Short(string digest) => digest.Length > 12 ? digest[..12] : digest;
}
