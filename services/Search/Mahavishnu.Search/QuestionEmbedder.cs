using System.Collections.Concurrent;
using System.Numerics.Tensors;
using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.Storage;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Pgvector;

namespace Mahavishnu.Search;

/// <param name="Vector">Null: there is none.</param>
/// <param name="Missing">True where there should have been one: the model does not answer, or is not the one whose vectors are stored.</param>
internal readonly record struct QuestionVector(HalfVector? Vector, bool Missing)
{
    public static QuestionVector None { get; } = new(null, Missing: true);
}

/// <summary>A question's vector in a space, by that space's own model; soon, or not at all: a search goes on without, and no other model stands in.</summary>
internal sealed partial class QuestionEmbedder(EmbeddingModels models, SearchTelemetry telemetry, IOptions<SearchOptions> options, TimeProvider time, ILogger<QuestionEmbedder> logger) : IDisposable
{
    // Above the pause: what was asked before is known also while the model is away, and says nothing about whether it is.
    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = options.Value.CachedQuestions });
    private readonly ConcurrentDictionary<EmbeddingModel, ModelPause> _pauses = [];
    private readonly TimeSpan _timeout = TimeSpan.FromMilliseconds(options.Value.EmbeddingTimeoutMs);

    public async ValueTask<QuestionVector> EmbedAsync(string text, EmbeddingSpace space, CancellationToken ct)
    {
        var model = space.Identity;
        if (_cache.TryGetValue((model, text), out HalfVector? known))
        {
            telemetry.Question("known");
            return new QuestionVector(known, Missing: false);
        }

        var pause = _pauses.GetOrAdd(model, static (_, time) => new ModelPause(time), time);
        // The call goes on where the caller does not wait: what becomes of it, the next one knows.
        var asked = pause.TryEnter() ? await AskAsync(text, model, pause).WaitAsync(ct) : QuestionVector.None;
        telemetry.Question(asked.Missing ? "missing" : "computed");
        return asked;
    }

    public void Dispose() => _cache.Dispose();

    private async Task<QuestionVector> AskAsync(string text, EmbeddingModel model, ModelPause pause)
    {
        using var timeout = new CancellationTokenSource(_timeout, time);
        try
        {
            var client = await models.OpenAsync(model, timeout.Token).WaitAsync(timeout.Token);
            var embedded = await client.EmbedQuestionsAsync([text], timeout.Token).WaitAsync(timeout.Token);
            var halves = new Half[model.Dimensions];
            TensorPrimitives.ConvertToHalf(embedded[0], halves);
            // A zero vector ("?!") has no direction: its cosine distance to everything is NaN.
            var says = Array.Exists(halves, h => h != Half.Zero) && Array.TrueForAll(halves, Half.IsFinite);
            Over(model, pause);
            return Keep(text, model, says ? new HalfVector(halves) : null);
        }
        catch (EmbeddingModelException e) when (e.Reason is EmbeddingReasons.ZeroVector or EmbeddingReasons.NotFinite)
        {
            Over(model, pause);
            return Keep(text, model, null);
        }
        catch (EmbeddingModelException e) when (e.Reason is EmbeddingReasons.TextRefused)
        {
            // The question's fault: others may be asked.
            Over(model, pause);
            Refused(logger, model.Model, e.Message);
            return QuestionVector.None;
        }
        catch (Exception e)
        {
            // Whatever a model can throw: the words still find something.
            var (reason, said) = e switch
            {
                EmbeddingModelException { Hint: { } hint } known => (known.Reason, $"{known.Message} ({hint})"),
                EmbeddingModelException known => (known.Reason, known.Message),
                OperationCanceledException when timeout.IsCancellationRequested => (EmbeddingReasons.ModelAway, $"it did not answer within {_timeout.TotalMilliseconds} ms"),
                _ => (e.GetType().Name, e.Message),
            };
            if (pause.Begin(reason))
            {
                Unavailable(logger, model.Model, said);
            }

            return QuestionVector.None;
        }
    }

    private QuestionVector Keep(string text, EmbeddingModel model, HalfVector? vector)
    {
        _cache.Set((model, text), vector, new MemoryCacheEntryOptions { Size = 1 });
        return new QuestionVector(vector, Missing: false);
    }

    private void Over(EmbeddingModel model, ModelPause pause)
    {
        if (pause.Over())
        {
            Answers(logger, model.Model);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The embedding model {Model} cannot be used, searching by words only: {Reason}")]
    private static partial void Unavailable(ILogger logger, string model, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The embedding model {Model} refuses a question, which is searched by its words only: {Reason}")]
    private static partial void Refused(ILogger logger, string model, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The embedding model {Model} answers again")]
    private static partial void Answers(ILogger logger, string model);
}
