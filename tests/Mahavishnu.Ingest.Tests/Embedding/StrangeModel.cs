using System.Collections.Concurrent;
using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Mahavishnu.Ingest.Tests;

/// <summary>Models with every fault one can have: what a text says decides what it gets. Texts without a keyword get a vector of their hash.</summary>
internal sealed class StrangeModel : IEmbeddingProvider
{
    public const int Dimensions = 8;

    public const int MaxInputTokens = 64;

    private readonly ConcurrentQueue<string[]> _calls = new();
    private readonly ConcurrentDictionary<string, EmbeddingModel> _models = new(StringComparer.Ordinal) { [Info.Model] = Info };
    private volatile TaskCompletionSource? _gate;
    private int _waiting;
    private int _inCall;
    private int _mostInCall;

    /// <summary>The one that a store without a space chooses.</summary>
    public static EmbeddingModel Info { get; } = new("builtin", "strange", "d1", Dimensions, "cosine", "none");

    /// <summary>Nothing answers.</summary>
    public bool Away { get; set; }

    /// <summary>This model alone does not answer.</summary>
    public string? AwayModel { get; set; }

    /// <summary>The poison is one no longer.</summary>
    public bool Immune { get; set; }

    /// <summary>Every answer is as it is for a text with this word; null: as it should be.</summary>
    public string? Always { get; set; }

    /// <summary>Texts with more characters are refused as too long.</summary>
    public int MostCharacters { get; set; } = int.MaxValue;

    public int Concurrency { get; init; } = 2;

    public bool WorthCaching { get; init; }

    /// <summary>The texts of each call that was answered or refused.</summary>
    public IReadOnlyCollection<string[]> Calls => _calls;

    /// <summary>Calls that wait at the gate.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Most calls at one time.</summary>
    public int MostInCall => Volatile.Read(ref _mostInCall);

    /// <summary>Called with each call's texts, before anything else.</summary>
    public Action<string[]>? OnCall { get; set; }

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

    /// <summary>Another model of this provider; or another content under a name, as after a pull.</summary>
    public EmbeddingModel Put(string name, string digest, int dimensions) => _models[name] = Info with { Model = name, Digest = digest, Dimensions = dimensions };

    /// <summary>It stands where the built-in model would.</summary>
    public string Name => EmbeddingProviders.Builtin;

    public Task<EmbeddingModel> DescribeAsync(string model, string? profile, string distance, CancellationToken ct) =>
        profile is not (null or "none") ? throw new EmbeddingModelException(EmbeddingReasons.ModelMissing, $"There is no prefix profile {profile}.")
        : model == "half-pulled" ? throw new EmbeddingModelException(EmbeddingReasons.ModelMissing, "120 of 274 MB are there.") { OnItsWay = true }
        : model == "nobody-home" ? throw new EmbeddingModelException(EmbeddingReasons.ModelAway, "Nobody is at home.")
        : _models.TryGetValue(model == Name ? Info.Model : model, out var found) ? Task.FromResult(found with { Distance = distance })
        : throw new EmbeddingModelException(EmbeddingReasons.ModelMissing, $"There is no {model}.", $"find {model}");

    public Task<EmbeddingClient> OpenAsync(EmbeddingModel model, CancellationToken ct)
    {
        Check(model);
        var face = new Face(this, model);
        return Task.FromResult(new EmbeddingClient
        {
            Model = model,
            Documents = face,
            Questions = face,
            Tokens = TokenMeter.Approximate,
            MaxInputTokens = MaxInputTokens,
            Concurrency = Concurrency,
            WorthCaching = WorthCaching,
            Verify = _ =>
            {
                Check(model);
                return Task.CompletedTask;
            },
        });
    }

    private void Check(EmbeddingModel model)
    {
        if (!_models.TryGetValue(model.Model, out var now) || now with { Distance = model.Distance } != model)
        {
            throw new EmbeddingModelException(EmbeddingReasons.ModelChanged, $"Stranger than that: {model.Model} of {model.Digest} is {now?.Digest ?? "gone"}.");
        }
    }

    private async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(EmbeddingModel model, string[] texts, CancellationToken ct)
    {
        var now = Interlocked.Increment(ref _inCall);
        try
        {
            InterlockedMax(ref _mostInCall, now);
            OnCall?.Invoke(texts);
            return await AnswerAsync(model, texts, ct);
        }
        finally
        {
            Interlocked.Decrement(ref _inCall);
        }
    }

    private async Task<GeneratedEmbeddings<Embedding<float>>> AnswerAsync(EmbeddingModel model, string[] texts, CancellationToken ct)
    {
        if (_gate is { } gate)
        {
            Interlocked.Increment(ref _waiting);
            try
            {
                await gate.Task.WaitAsync(ct);
            }
            finally
            {
                Interlocked.Decrement(ref _waiting);
            }
        }

        _calls.Enqueue(texts);
        if (Away || AwayModel == model.Model)
        {
            throw new HttpRequestException("Connection refused");
        }

        if (texts.Any(t => t.Length > MostCharacters))
        {
            throw new EmbeddingModelException(EmbeddingReasons.TextRefused, "That is too long for me.") { TooLong = true };
        }

        if (texts.Any(t => t.Contains("hang up", StringComparison.Ordinal)))
        {
            throw new EmbeddingModelException(EmbeddingReasons.ModelAway, "The connection was cut.");
        }

        if (!Immune && texts.Any(t => t.Contains("poison", StringComparison.Ordinal)))
        {
            throw new InvalidOperationException("the input does not agree with me");
        }

        var said = Always is { } always ? [.. texts.Select(t => $"{t} {always}")] : texts;
        var answered = said.Any(t => t.Contains("swallow", StringComparison.Ordinal)) ? said.Skip(1) : said;
        return new GeneratedEmbeddings<Embedding<float>>(answered.Select(t => new Embedding<float>(Vector(t, model.Dimensions))));
    }

    public static float[] Vector(string text, int dimensions = Dimensions)
    {
        var vector = new float[text.Contains("short", StringComparison.Ordinal) ? dimensions - 1 : dimensions];
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

    private static void InterlockedMax(ref int most, int now)
    {
        for (var seen = Volatile.Read(ref most); now > seen; seen = Volatile.Read(ref most))
        {
            Interlocked.CompareExchange(ref most, now, seen);
        }
    }

    /// <summary>One of the models.</summary>
    private sealed class Face(StrangeModel owner, EmbeddingModel model) : IEmbeddingGenerator<string, Embedding<float>>
    {
        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            owner.GenerateAsync(model, [.. values], cancellationToken);

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
