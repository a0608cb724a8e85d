using System.Collections.Concurrent;
using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Microsoft.Extensions.AI;

namespace Mahavishnu.TestSupport;

/// <summary>A provider of models whose vectors a test writes down itself, so that what must be found, and how near, is known beforehand.</summary>
public sealed class KnownModels : IEmbeddingProvider
{
    public const string Provider = "known";

    private readonly ConcurrentDictionary<string, KnownModel> _models = new(StringComparer.Ordinal);

    public string Name => Provider;

    /// <summary>A model of this provider; the same name again replaces what was under it.</summary>
    public KnownModel Add(string name, int dimensions, string distance = "cosine", string digest = "1") =>
        _models[name] = new KnownModel(new EmbeddingModel(Provider, name, digest, dimensions, distance, "none"));

    /// <summary>The provider does not have it any more.</summary>
    public void Remove(string name) => _models.TryRemove(name, out _);

    public Task<EmbeddingModel> DescribeAsync(string model, string? profile, string distance, CancellationToken ct) =>
        Task.FromResult(Find(model).Info with { Distance = distance });

    public Task<EmbeddingClient> OpenAsync(EmbeddingModel model, CancellationToken ct)
    {
        Check(model);
        var known = Find(model.Model);
        return Task.FromResult(new EmbeddingClient
        {
            Model = model,
            Documents = known,
            Questions = known,
            Tokens = TokenMeter.Approximate,
            MaxInputTokens = 64,
            Verify = _ =>
            {
                Check(model);
                return Task.CompletedTask;
            },
        });
    }

    private KnownModel Find(string name) => _models.TryGetValue(name, out var model)
        ? model
        : throw new EmbeddingModelException(EmbeddingReasons.ModelMissing, $"There is no model {name} here.", $"pull {name}");

    private void Check(EmbeddingModel model)
    {
        if (Find(model.Model).Info.Digest != model.Digest)
        {
            throw new EmbeddingModelException(EmbeddingReasons.ModelChanged, $"The model {model.Model} is not what it was.", $"add {model.Model}");
        }
    }
}

/// <summary>One model: a text's vector is what a test said it is.</summary>
public sealed class KnownModel(EmbeddingModel info) : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly ConcurrentDictionary<string, float[]> _vectors = new(StringComparer.Ordinal);
    private int _calls;

    public EmbeddingModel Info { get; } = info;

    /// <summary>Nothing answers.</summary>
    public bool Away { get; set; }

    /// <summary>Calls hang until their caller gives up.</summary>
    public bool Hangs { get; set; }

    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Says what the vector of a text is.</summary>
    public KnownModel With(string text, params float[] vector)
    {
        _vectors[text] = vector;
        return this;
    }

    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _calls);
        if (Hangs)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        if (Away)
        {
            throw new EmbeddingModelException(EmbeddingReasons.ModelAway, "Connection refused.", $"serve {Info.Model}");
        }

        return [.. values.Select(t => new Embedding<float>(_vectors.TryGetValue(t, out var vector) ? vector : throw new EmbeddingModelException(EmbeddingReasons.TextRefused, $"No vector is known for '{t}'.")))];
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
