using Mahavishnu.Embeddings;
using Mahavishnu.Storage;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Pgvector;

namespace Mahavishnu.Search;

/// <param name="Vector">Null: there is none.</param>
/// <param name="Missing">True where there should have been one: the model does not answer, or is not the one whose vectors are stored.</param>
internal readonly record struct QuestionVector(HalfVector? Vector, bool Missing);

/// <summary>A question's vector in the active space; soon, or not at all: a search goes on without.</summary>
internal sealed partial class QuestionEmbedder(
    EmbeddingModels models, IOptions<SearchOptions> options, TimeProvider time,
    ILogger<QuestionEmbedder> logger) : IDisposable
{
    // After a failure the model is left alone for a moment: else every search would wait for it in vain.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = options.Value.CachedQuestions });
    private readonly TimeSpan _timeout = TimeSpan.FromMilliseconds(options.Value.EmbeddingTimeoutMs);
    private long _failedAt = long.MinValue;

    public async ValueTask<QuestionVector> EmbedAsync(string text, EmbeddingSpace space, CancellationToken ct)
    {
        if (_cache.TryGetValue((space.Id, text), out HalfVector? known))
        {
            return new QuestionVector(known, Missing: false);
        }

        var failedAt = Interlocked.Read(ref _failedAt);
        if (failedAt != long.MinValue && time.GetElapsedTime(failedAt) < Pause)
        {
            return new QuestionVector(null, Missing: true);
        }

        var answer = await AskAsync(text, space, ct);
        if (answer.Missing)
        {
            Interlocked.Exchange(ref _failedAt, time.GetTimestamp());
            return answer;
        }

        _cache.Set((space.Id, text), answer.Vector, new MemoryCacheEntryOptions { Size = 1 });
        return answer;
    }

    public void Dispose() => _cache.Dispose();

    private async Task<QuestionVector> AskAsync(string text, EmbeddingSpace space, CancellationToken ct)
    {
        using var timeout = new CancellationTokenSource(_timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
        try
        {
            var client = await models.OpenAsync(space.Identity, either.Token);
            var embedding = await client.Questions.GenerateAsync(text, cancellationToken: either.Token);
            if (embedding.Vector.Length != space.Dimensions)
            {
                WrongLength(logger, embedding.Vector.Length, space.Model, space.Dimensions);
                return new QuestionVector(null, Missing: true);
            }

            var halves = new Half[embedding.Vector.Length];
            System.Numerics.Tensors.TensorPrimitives.ConvertToHalf(embedding.Vector.Span, halves);
            // A zero vector ("?!") has no direction: its cosine distance to everything is NaN.
            var says = Array.Exists(halves, h => h != Half.Zero) && Array.TrueForAll(halves, Half.IsFinite);
            return new QuestionVector(says ? new HalfVector(halves) : null, Missing: false);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e)
        {
            // Whatever a model can throw: the words still find something.
            Unavailable(logger, space.Model, e.Message);
            return new QuestionVector(null, Missing: true);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The embedding model {Model} does not answer, searching by words only: {Reason}")]
    private static partial void Unavailable(ILogger logger, string model, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A vector of {Length} values came from {Model}, whose space has {Dimensions}: searching by words only")]
    private static partial void WrongLength(ILogger logger, int length, string model, int dimensions);
}
