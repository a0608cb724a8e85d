using Mahavishnu.Contracts;

namespace Mahavishnu.Embeddings;

/// <summary>Every model this process can reach, by the description that a space carries: opened once, shared by all who ask.</summary>
public sealed class EmbeddingModels(IEnumerable<IEmbeddingProvider> providers) : IDisposable
{
    private readonly Dictionary<string, IEmbeddingProvider> _providers = providers.ToDictionary(p => p.Name, StringComparer.Ordinal);
    private readonly Dictionary<EmbeddingModel, EmbeddingClient> _open = [];
    private readonly SemaphoreSlim _gate = new(1, 1);

    /// <summary>The model of a space, ready for use. The client belongs to this class.</summary>
    /// <exception cref="EmbeddingModelException">It cannot be used now.</exception>
    public async Task<EmbeddingClient> OpenAsync(EmbeddingModel model, CancellationToken ct)
    {
        await _gate.WaitAsync(ct);
        try
        {
            if (!_open.TryGetValue(model, out var client))
            {
                client = await Provider(model.Provider).OpenAsync(model, ct);
                _open.Add(model, client);
            }

            return client;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>What a model is now, for a new space.</summary>
    /// <param name="provider">Null: the built-in one for its own model, else Ollama.</param>
    /// <exception cref="EmbeddingModelException">It cannot be used now.</exception>
    public Task<EmbeddingModel> DescribeAsync(string model, string? provider, string? profile, string distance, CancellationToken ct) =>
        Provider(provider ?? (model is EmbeddingProviders.Builtin or HashModel.Name ? EmbeddingProviders.Builtin : EmbeddingProviders.Ollama)).DescribeAsync(model, profile, distance, ct);

    /// <summary>The model that the settings choose for a store without a space.</summary>
    /// <exception cref="EmbeddingModelException">It cannot be used now: then there is no space yet.</exception>
    public Task<EmbeddingModel> ChooseAsync(CancellationToken ct) => DescribeAsync(HashModel.Name, EmbeddingProviders.Builtin, null, HashModel.Info.Distance, ct);

    /// <summary>Closes every client.</summary>
    public void Dispose()
    {
        foreach (var client in _open.Values)
        {
            client.Dispose();
        }

        _gate.Dispose();
    }

    private IEmbeddingProvider Provider(string name) => _providers.TryGetValue(name, out var provider)
        ? provider
        : throw new EmbeddingModelException(EmbeddingReasons.ModelMissing, $"There is no embedding provider {name} here; there are {string.Join(", ", _providers.Keys.Order(StringComparer.Ordinal))}.");
}
