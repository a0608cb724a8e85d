using Mahavishnu.Contracts;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.Embeddings;

/// <summary>How far a download is.</summary>
internal sealed record PullProgress(string Model, long Done, long Total);

/// <summary>Downloads missing models, one at a time and in the background: nobody waits for gigabytes.</summary>
internal sealed partial class ModelPulls(OllamaApi api, EmbeddingSettings settings, TimeProvider time, ILogger logger) : IDisposable
{
    // A name that cannot be pulled now is asked for again by every claim of a worker.
    private static readonly TimeSpan Rest = TimeSpan.FromMinutes(1);
    private const int Steps = 10;

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _end = new();
    private PullProgress? _progress;
    private (string Model, EmbeddingModelException Fault, long At)? _failed;

    /// <summary>What is being pulled; null: nothing.</summary>
    public PullProgress? Progress
    {
        get
        {
            lock (_lock)
            {
                return _progress;
            }
        }
    }

    /// <summary>Starts the download unless one is under way.</summary>
    /// <returns>What to tell whoever needs the model now.</returns>
    public EmbeddingModelException Start(string model)
    {
        lock (_lock)
        {
            if (_failed is { } failed && failed.Model == model && time.GetElapsedTime(failed.At) < Rest)
            {
                return failed.Fault;
            }

            if (_progress is null)
            {
                _progress = new PullProgress(model, 0, 0);
                var end = _end.Token;
                _ = Task.Run(() => PullAsync(model, end), CancellationToken.None);
            }

            return OllamaErrors.Missing(model, _progress.Model == model
                ? $"{settings.Server} is pulling {Describe(_progress)}."
                : $"{settings.Server} does not have {model}; it is pulled after {Describe(_progress)}.", onItsWay: true);
        }
    }

    public void Dispose()
    {
        _end.Cancel();
        _end.Dispose();
    }

    /// <summary><c>nomic-embed-text (120 of 274 MB)</c></summary>
    public static string Describe(PullProgress progress) => progress.Total == 0
        ? progress.Model
        : FormattableString.Invariant($"{progress.Model} ({progress.Done / 1e6:0.#} of {progress.Total / 1e6:0.#} MB)");

    private async Task PullAsync(string model, CancellationToken ct)
    {
        try
        {
            Pulling(logger, model, settings.Server);
            var layers = new Dictionary<string, (long Done, long Total)>(StringComparer.Ordinal);
            var step = 0;
            var done = false;
            await foreach (var line in api.PullAsync(model, ct))
            {
                done |= line.Status == "success";
                if (line.Digest is { Length: > 0 } digest)
                {
                    layers[digest] = (line.Completed, line.Total);
                    var now = new PullProgress(model, layers.Values.Sum(l => l.Done), layers.Values.Sum(l => l.Total));
                    lock (_lock)
                    {
                        _progress = now;
                    }

                    if (now.Total > 0 && now.Done * Steps / now.Total > step)
                    {
                        step = (int)(now.Done * Steps / now.Total);
                        Further(logger, model, now.Done, now.Total);
                    }
                }
            }

            if (!done)
            {
                throw new EmbeddingModelException(EmbeddingReasons.ModelAway, $"{settings.Server} ended in the middle of it.");
            }

            Pulled(logger, model);
            lock (_lock)
            {
                (_progress, _failed) = (null, null);
            }
        }
        catch (OperationCanceledException)
        {
            // The program ends; the server keeps what it has and goes on from there another time.
        }
        catch (EmbeddingModelException e)
        {
            NotPulled(logger, model, e.Message);
            var fault = e.Reason == EmbeddingReasons.ModelMissing ? OllamaErrors.Missing(model, $"{settings.Server} cannot pull {model}: {e.Message}", e) : e;
            lock (_lock)
            {
                (_progress, _failed) = (null, (model, fault, time.GetTimestamp()));
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Server} does not have the embedding model {Model}: pulling it")]
    private static partial void Pulling(ILogger logger, string model, string server);

    [LoggerMessage(Level = LogLevel.Information, Message = "Pulling {Model}: {Done} of {Total} bytes")]
    private static partial void Further(ILogger logger, string model, long done, long total);

    [LoggerMessage(Level = LogLevel.Information, Message = "The embedding model {Model} is pulled")]
    private static partial void Pulled(ILogger logger, string model);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The embedding model {Model} cannot be pulled: {Reason}")]
    private static partial void NotPulled(ILogger logger, string model, string reason);
}
