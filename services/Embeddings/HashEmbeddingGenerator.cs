using Mahavishnu.Contracts;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.ObjectPool;

namespace Mahavishnu.Embeddings;

/// <summary>The built-in model as Microsoft.Extensions.AI's port: no I/O, safe for many threads, done before it returns.</summary>
internal sealed class HashEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private static readonly EmbeddingGeneratorMetadata Metadata =
        new("mahavishnu", providerUri: null, HashModel.Info.Model, HashModel.Info.Dimensions);

    private readonly ObjectPool<FeatureBag> _bags = new DefaultObjectPool<FeatureBag>(new BagPolicy());

    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (options?.ModelId is { } model && !string.Equals(model, HashModel.Info.Model, StringComparison.Ordinal))
        {
            throw new ArgumentException($"This generator is {HashModel.Info.Model}; {model} was asked for.", nameof(options));
        }

        if (options?.Dimensions is { } dimensions && dimensions != HashModel.Dimensions)
        {
            throw new ArgumentException($"{HashModel.Info.Model} has {HashModel.Dimensions} dimensions; {dimensions} were asked for.", nameof(options));
        }

        var embeddings = new GeneratedEmbeddings<Embedding<float>>(values.TryGetNonEnumeratedCount(out var count) ? count : 0);
        var bag = _bags.Get();
        try
        {
            foreach (var value in values)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var vector = new float[HashModel.Dimensions];
                HashModel.Embed(value, vector, bag);
                embeddings.Add(new Embedding<float>(vector) { ModelId = HashModel.Info.Model });
            }
        }
        finally
        {
            _bags.Return(bag);
        }

        return Task.FromResult(embeddings);
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(EmbeddingModel) ? HashModel.Info
            : serviceType == typeof(EmbeddingGeneratorMetadata) ? Metadata
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    public void Dispose()
    {
        // Nothing is held but memory.
    }

    private sealed class BagPolicy : PooledObjectPolicy<FeatureBag>
    {
        public override FeatureBag Create() => new();

        public override bool Return(FeatureBag obj) => obj.WorthKeeping;
    }
}
