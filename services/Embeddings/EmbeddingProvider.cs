using Mahavishnu.Contracts;

namespace Mahavishnu.Embeddings;

/// <summary>Somebody who computes vectors. Providers are registered as services; <see cref="EmbeddingModels"/> finds the one a model needs.</summary>
public interface IEmbeddingProvider
{
    /// <summary>One of <see cref="EmbeddingProviders"/>; in <see cref="EmbeddingModel.Provider"/> of every model of this provider.</summary>
    string Name { get; }

    /// <summary>Asks what a model is now: digest and dimensions come from the provider, never from a setting.</summary>
    /// <param name="profile">Prefix profile; null takes the one known for the model.</param>
    /// <exception cref="EmbeddingModelException">The provider is away, or does not have the model, or it is no embedding model.</exception>
    Task<EmbeddingModel> DescribeAsync(string model, string? profile, string distance, CancellationToken ct);

    /// <summary>Makes a model ready for use. The caller disposes the client.</summary>
    /// <exception cref="EmbeddingModelException">As above, or the provider now has another content under this name.</exception>
    Task<EmbeddingClient> OpenAsync(EmbeddingModel model, CancellationToken ct);

    /// <summary>How a model does at this moment; asks the provider at most one quick question.</summary>
    /// <param name="digest">The content that the stored vectors are of; null: any will do.</param>
    Task<EmbeddingProviderStatus> StatusAsync(string model, string? digest, CancellationToken ct) =>
        Task.FromResult(new EmbeddingProviderStatus(Name, model, EmbeddingProviderStates.Ready, null, null));
}
