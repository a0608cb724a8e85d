using System.Collections.Concurrent;
using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Mahavishnu.Ingest.Tests;

/// <summary>A model with every fault one can have: what a text says decides what it gets. Texts without a keyword get a vector of their hash.</summary>
internal sealed class StrangeModel : IEmbeddingGenerator<string, Embedding<float>>, IEmbeddingProvider
{
    public const int Dimensions = 8;

    private readonly ConcurrentQueue<string[]> _calls = new();
    private volatile TaskCompletionSource? _gate;
    private int _waiting;

    public const int MaxInputTokens = 64;

    public static EmbeddingModel Info { get; } = new("builtin", "strange", "d1", Dimensions, "cosine", "none");

    /// <summary>Nothing answers.</summary>
    public bool Away { get; set; }

    /// <summary>The poison is one no longer.</summary>
    public bool Immune { get; set; }

    /// <summary>The texts of each call that was answered or refused.</summary>
    public IReadOnlyCollection<string[]> Calls => _calls;

    /// <summary>Calls that wait at the gate.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Holds every call until <see cref="Open"/>.</summary>
    public void Close() => _gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Open()
    {
        var gate = _gate;
        _gate = null;
        gate?.SetResult();
    }

    public void Add(WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<IEmbeddingProvider>(this);
        builder.Services.AddSingleton<EmbeddingModels>();
    }

    /// <summary>It stands where the built-in model would: a store without a space chooses it.</summary>
    public string Name => EmbeddingProviders.Builtin;

    public Task<EmbeddingModel> DescribeAsync(string model, string? profile, string distance, CancellationToken ct) => Task.FromResult(Info);

    public Task<EmbeddingClient> OpenAsync(EmbeddingModel model, CancellationToken ct) => model == Info
        ? Task.FromResult(new EmbeddingClient { Model = Info, Documents = this, Questions = this, Tokens = TokenMeter.Approximate, MaxInputTokens = MaxInputTokens })
        : throw new EmbeddingModelException(EmbeddingReasons.ModelChanged, "Stranger than that.");

    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var texts = values.ToArray();
        if (_gate is { } gate)
        {
            Interlocked.Increment(ref _waiting);
            try
            {
                await gate.Task.WaitAsync(cancellationToken);
            }
            finally
            {
                Interlocked.Decrement(ref _waiting);
            }
        }

        _calls.Enqueue(texts);
        if (Away)
        {
            throw new HttpRequestException("Connection refused");
        }

        if (!Immune && texts.Any(t => t.Contains("poison", StringComparison.Ordinal)))
        {
            throw new InvalidOperationException("the input does not agree with me");
        }

        var answered = texts.Any(t => t.Contains("swallow", StringComparison.Ordinal)) ? texts.Skip(1) : texts;
        return new GeneratedEmbeddings<Embedding<float>>(answered.Select(t => new Embedding<float>(Vector(t))));
    }

    public static float[] Vector(string text)
    {
        var vector = new float[text.Contains("short", StringComparison.Ordinal) ? Dimensions - 1 : Dimensions];
        if (text.Contains("zero", StringComparison.Ordinal))
        {
            return vector;
        }

        var random = new Random(text.Aggregate(17, (hash, c) => unchecked(hash * 31 + c)));
        for (var i = 0; i < vector.Length; i++)
        {
            vector[i] = random.NextSingle() + 0.01f;
        }

        vector[0] = text.Contains("undefined", StringComparison.Ordinal) ? float.NaN : text.Contains("endless", StringComparison.Ordinal) ? float.PositiveInfinity : vector[0];
        return vector;
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
