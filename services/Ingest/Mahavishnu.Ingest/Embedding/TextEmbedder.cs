using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.Storage;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>The model does not answer at all: nothing is wrong with the texts.</summary>
internal sealed class ModelAwayException(Exception inner) : Exception(inner.Message, inner);

/// <summary>Memories to vectors: cut to the model's size, embedded many at a time, every vector looked at. One bad text fails alone.</summary>
internal sealed class TextEmbedder(IngestTelemetry telemetry, IOptions<EmbeddingOptions> options)
{
    // Any model that answers at all can embed this.
    private const string Probe = "hello";

    /// <summary>Embeds the jobs.</summary>
    /// <exception cref="ModelAwayException">Not even a plain word can be embedded now.</exception>
    public async Task<(List<EmbeddedJob> Done, List<FailedJob> Failed)> EmbedAsync(EmbeddingClient client, IReadOnlyList<EmbeddingJob> jobs, CancellationToken ct)
    {
        var texts = jobs.Select(j => new JobTexts(j, Parts(client, j))).ToList();
        var (done, failed) = (new List<EmbeddedJob>(jobs.Count), new List<FailedJob>());
        var probed = false;
        foreach (var group in Groups(texts))
        {
            if (await TryEmbedAsync(client, group, ct) is null)
            {
                continue;
            }

            // Something in this call is at fault, or the model is. One by one shows which.
            foreach (var one in group)
            {
                if (await TryEmbedAsync(client, [one], ct) is not { } alone)
                {
                    continue;
                }

                if (!probed)
                {
                    await ProbeAsync(client, ct);
                    probed = true;
                }

                telemetry.EmbeddingFailed("model_error", 1);
                failed.Add(new FailedJob(one.Job.MemoryId, EmbeddingReasons.TextRefused, $"The model refused the text: {alone.Message}"));
                one.Failed = true;
            }
        }

        foreach (var text in texts.Where(t => !t.Failed))
        {
            if (VectorCheck.Fault(text.Vectors, client.Model.Dimensions) is { } fault)
            {
                telemetry.EmbeddingFailed("bad_vector", 1);
                failed.Add(new FailedJob(text.Job.MemoryId, EmbeddingReasons.BadAnswer, fault));
            }
            else
            {
                done.Add(new EmbeddedJob(text.Job, text.Vectors));
            }
        }

        return (done, failed);
    }

    private async Task ProbeAsync(EmbeddingClient client, CancellationToken ct)
    {
        try
        {
            await client.Documents.GenerateAsync([Probe], cancellationToken: ct);
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            telemetry.EmbeddingFailed("model_away", 1);
            throw new ModelAwayException(e);
        }
    }

    /// <returns>What went wrong; null for nothing: then every text of the group has its vectors.</returns>
    private async Task<Exception?> TryEmbedAsync(EmbeddingClient client, IReadOnlyList<JobTexts> group, CancellationToken ct)
    {
        try
        {
            var vectors = new List<ReadOnlyMemory<float>>();
            foreach (var call in group.SelectMany(t => t.Parts).Chunk(options.Value.TextsPerCall))
            {
                ct.ThrowIfCancellationRequested();
                var embeddings = await client.Documents.GenerateAsync(call, cancellationToken: ct);
                if (embeddings.Count != call.Length)
                {
                    throw new InvalidOperationException($"{call.Length} texts went in, {embeddings.Count} vectors came out.");
                }

                vectors.AddRange(embeddings.Select(e => e.Vector));
            }

            var next = 0;
            foreach (var text in group)
            {
                text.Vectors = vectors.GetRange(next, text.Parts.Count);
                next += text.Parts.Count;
            }

            return null;
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            return e;
        }
    }

    /// <summary>Jobs that fill one call of the model together; one with more texts than that stands alone.</summary>
    private IEnumerable<List<JobTexts>> Groups(List<JobTexts> texts)
    {
        var group = new List<JobTexts>();
        var count = 0;
        foreach (var text in texts)
        {
            if (group.Count > 0 && count + text.Parts.Count > options.Value.TextsPerCall)
            {
                yield return group;
                (group, count) = ([], 0);
            }

            group.Add(text);
            count += text.Parts.Count;
        }

        if (group.Count > 0)
        {
            yield return group;
        }
    }

    private static IReadOnlyList<string> Parts(EmbeddingClient client, EmbeddingJob job)
    {
        var text = job.Title is null ? job.Content : $"{job.Title}\n{job.Content}";
        var parts = TextParts.Split(text, client.MaxInputTokens, client.Tokens);
        // A stretch of blank lines can be a part of its own, with nothing in it to be found by.
        return parts.Count == 1 ? parts : [.. parts.Where(p => !string.IsNullOrWhiteSpace(p))];
    }

    private sealed class JobTexts(EmbeddingJob job, IReadOnlyList<string> parts)
    {
        public EmbeddingJob Job { get; } = job;

        public IReadOnlyList<string> Parts { get; } = parts;

        public IReadOnlyList<ReadOnlyMemory<float>> Vectors { get; set; } = [];

        public bool Failed { get; set; }
    }
}
