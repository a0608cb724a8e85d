using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.Storage;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>No text can be embedded now: nothing is wrong with the texts.</summary>
internal sealed class ModelStoppedException(EmbeddingFault fault, Exception inner) : Exception(fault.Error, inner)
{
    public EmbeddingFault Fault { get; } = fault;
}

/// <summary>What became of the memories of a claim.</summary>
/// <param name="Fresh">Vectors that were computed and can be kept for texts that say the same.</param>
internal sealed record EmbeddingOutcome(List<EmbeddedJob> Done, List<FailedJob> Failed, List<CachedVector> Fresh);

/// <summary>Memories to vectors: cut to the model's size, each text once, many at a time, every vector looked at. One bad text fails alone.</summary>
internal sealed class TextEmbedder(EmbeddingCacheStore cache, IngestTelemetry telemetry, IOptions<EmbeddingOptions> options)
{
    // Any model that answers at all can embed this.
    private const string Probe = "hello";

    // A text that is still too long at this length is not refused for its length.
    private const int ShortestPart = 8;

    /// <summary>Embeds the jobs. Nothing is stored.</summary>
    /// <param name="gate">Calls of the model at a time, over all who work for the space.</param>
    /// <param name="atOnce">Calls of this claim at a time.</param>
    /// <exception cref="ModelStoppedException">Not even a plain word can be embedded now.</exception>
    public async Task<EmbeddingOutcome> EmbedAsync(
        EmbeddingSpace space, EmbeddingClient client, IReadOnlyList<EmbeddingJob> jobs, SemaphoreSlim gate, int atOnce, CancellationToken ct)
    {
        // Memories that say the same share their parts.
        var parts = new Dictionary<string, TextPart>(StringComparer.Ordinal);
        var texts = jobs.Select(j => (Job: j, Parts: Parts(client, j).Select(t => parts.TryGetValue(t, out var known) ? known : parts[t] = new TextPart(t)).ToList())).ToList();

        var caching = client.WorthCaching && options.Value.CacheRows > 0;
        if (caching)
        {
            await RecallAsync(space, parts.Values, ct);
        }

        var missing = parts.Values.Where(p => p.Vectors.Count == 0).ToList();
        var call = new Call(client, gate);
        await Parallel.ForEachAsync(
            missing.Chunk(options.Value.TextsPerCall),
            new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, atOnce), CancellationToken = ct },
            async (group, token) => await EmbedAsync(call, group, token));

        var outcome = new EmbeddingOutcome([], [], []);
        foreach (var (job, of) in texts)
        {
            var vectors = of.SelectMany(p => p.Vectors).ToList();
            if ((of.Find(p => p.Fault is not null)?.Fault ?? Count(vectors.Count)) is { } fault)
            {
                telemetry.EmbeddingFailed(fault.Reason, 1);
                outcome.Failed.Add(new FailedJob(job.MemoryId, fault.Reason, fault.Error));
            }
            else
            {
                outcome.Done.Add(new EmbeddedJob(job, vectors));
            }
        }

        if (caching)
        {
            outcome.Fresh.AddRange(missing.Where(p => p is { Fault: null, Vectors.Count: 1 }).Select(p => new CachedVector(p.Hash, p.Vectors[0])));
        }

        return outcome;
    }

    private static EmbeddingFault? Count(int vectors) =>
        vectors is 0 or > short.MaxValue ? new(EmbeddingReasons.TextRefused, $"The text has {vectors} parts; 1 to {short.MaxValue} can be stored.") : null;

    private static IReadOnlyList<string> Parts(EmbeddingClient client, EmbeddingJob job) =>
        Said(TextParts.Split(EmbeddingCacheStore.TextOf(job.Title, job.Content), client.MaxInputTokens, client.Tokens));

    // A stretch of blank lines can be a part of its own, with nothing in it to be found by.
    private static IReadOnlyList<string> Said(IReadOnlyList<string> parts) => parts.Count == 1 ? parts : [.. parts.Where(p => !string.IsNullOrWhiteSpace(p))];

    private async Task RecallAsync(EmbeddingSpace space, IReadOnlyCollection<TextPart> parts, CancellationToken ct)
    {
        var known = await cache.FindAsync(space, [.. parts.Select(p => p.Hash)], ct);
        foreach (var part in parts)
        {
            if (known.TryGetValue(Convert.ToHexString(part.Hash), out var vector) && VectorCheck.Fault(vector.Span, space.Dimensions) is null)
            {
                part.Vectors = [vector];
            }
        }

        telemetry.Reused(known.Count);
    }

    /// <summary>Embeds a group, so that each of it has vectors or a fault of its own.</summary>
    private static async Task EmbedAsync(Call call, IReadOnlyList<TextPart> group, CancellationToken ct)
    {
        if (await TryEmbedAsync(call, group, ct) is not { } trouble)
        {
            return;
        }

        var tooLong = trouble is EmbeddingModelException { TooLong: true };
        if (!tooLong)
        {
            await MakeSureAsync(call, trouble, ct);
        }

        // Something in this group is at fault. Half of it each time shows what, in a few calls.
        if (group.Count > 1)
        {
            var half = group.Count / 2;
            await EmbedAsync(call, [.. group.Take(half)], ct);
            await EmbedAsync(call, [.. group.Skip(half)], ct);
            return;
        }

        if (!tooLong || !await EmbedInPartsAsync(call, group[0], ct))
        {
            group[0].Fault = FaultOf(trouble);
        }
    }

    /// <summary>A text that the model finds too long although it was counted to fit.</summary>
    /// <returns>False where shorter parts cannot be made.</returns>
    private static async Task<bool> EmbedInPartsAsync(Call call, TextPart whole, CancellationToken ct)
    {
        var tokens = call.Client.Tokens.Count(whole.Text);
        var pieces = tokens <= ShortestPart ? [] : Said(TextParts.Split(whole.Text, Math.Max(1, tokens / 2), call.Client.Tokens)).Select(t => new TextPart(t)).ToList();
        if (pieces.Count < 2)
        {
            return false;
        }

        await EmbedAsync(call, pieces, ct);
        whole.Fault = pieces.Find(p => p.Fault is not null)?.Fault;
        whole.Vectors = [.. pieces.SelectMany(p => p.Vectors)];
        return true;
    }

    /// <returns>What went wrong with the call; null for nothing: then each of the group has its vector, or the fault that its vector has.</returns>
    private static async Task<Exception?> TryEmbedAsync(Call call, IReadOnlyList<TextPart> group, CancellationToken ct)
    {
        try
        {
            var vectors = await call.GenerateAsync([.. group.Select(p => p.Text)], ct);
            for (var i = 0; i < group.Count; i++)
            {
                group[i].Fault = VectorCheck.Fault(vectors[i].Span, call.Client.Model.Dimensions);
                group[i].Vectors = [vectors[i]];
            }
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            return e;
        }

        if (group.FirstOrDefault(p => p.Fault is not null)?.Fault is { } fault)
        {
            await MakeSureAsync(call, new EmbeddingModelException(fault.Reason, fault.Error), ct);
        }

        return null;
    }

    /// <summary>Tells a bad text from a bad model: a model that fails over a plain word, too, is the one at fault.</summary>
    private static async Task MakeSureAsync(Call call, Exception trouble, CancellationToken ct)
    {
        if (trouble is EmbeddingModelException { Reason: EmbeddingReasons.ModelMissing or EmbeddingReasons.ModelChanged } gone)
        {
            throw new ModelStoppedException(new(gone.Reason, gone.Message), gone);
        }

        // A model that was well a moment ago may be away now; its other faults do not come and go like this.
        var away = trouble is EmbeddingModelException { IsModelWide: true } or HttpRequestException;
        if (call.Probed && !away)
        {
            return;
        }

        try
        {
            var vectors = await call.GenerateAsync([Probe], ct);
            if (VectorCheck.Fault(vectors[0].Span, call.Client.Model.Dimensions) is { } fault)
            {
                throw new EmbeddingModelException(fault.Reason, fault.Error);
            }

            call.Probed = true;
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            throw new ModelStoppedException(e is EmbeddingModelException known ? new(known.Reason, known.Message) : new(EmbeddingReasons.ModelAway, e.Message), e);
        }
    }

    /// <summary>The fault of one text, over which a model that is well fails.</summary>
    private static EmbeddingFault FaultOf(Exception trouble) => trouble is EmbeddingModelException e
        ? new(e.IsModelWide ? EmbeddingReasons.ModelError : e.Reason, e.Message)
        : new(EmbeddingReasons.ModelError, $"The model refused the text: {trouble.Message}");

    /// <summary>A text that is embedded in one piece, unless the model refuses it as too long.</summary>
    private sealed class TextPart(string text)
    {
        public string Text { get; } = text;

        public byte[] Hash => field ??= EmbeddingCacheStore.HashOf(Text);

        public IReadOnlyList<ReadOnlyMemory<float>> Vectors { get; set; } = [];

        public EmbeddingFault? Fault { get; set; }
    }

    /// <summary>The model as one claim calls it.</summary>
    private sealed class Call(EmbeddingClient client, SemaphoreSlim gate)
    {
        public EmbeddingClient Client { get; } = client;

        /// <summary>A plain word could be embedded while this claim was worked on.</summary>
        public bool Probed { get; set; }

        public async Task<IReadOnlyList<ReadOnlyMemory<float>>> GenerateAsync(string[] texts, CancellationToken ct)
        {
            await gate.WaitAsync(ct);
            try
            {
                var embeddings = await Client.Documents.GenerateAsync(texts, cancellationToken: ct);
                return embeddings.Count == texts.Length
                    ? [.. embeddings.Select(e => e.Vector)]
                    : throw new EmbeddingModelException(EmbeddingReasons.WrongCount, $"{texts.Length} texts went in, {embeddings.Count} vectors came out.");
            }
            finally
            {
                gate.Release();
            }
        }
    }
}
