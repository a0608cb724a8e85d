using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>GET /embeddings and /embeddings/{id}: spaces, queue and provider. Asked for several times a second by whoever waits, so nothing in it may take long.</summary>
internal static class ShowSpaces
{
    public static void Map(IEndpointRouteBuilder spaces)
    {
        spaces.MapGet("/", ListAsync).WithQuery([]).WithName("EmbeddingStatus").WithSummary("Embedding spaces, their queues, and how the model does");
        spaces.MapGet("/{id}", GetAsync).WithQuery([]).WithName("GetEmbeddingSpace").WithSummary("One embedding space").ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal static async Task<Ok<EmbeddingStatus>> ListAsync(EmbeddingSpaceStore spaces, EmbeddingQueueStore queue, VectorIndexStore indexes, IndexRecallStore recall, EmbeddingRate rate, ProviderGlance provider, CancellationToken ct)
    {
        var all = await spaces.ListAsync(ct);
        var infos = new List<EmbeddingSpaceInfo>(all.Count);
        foreach (var space in all)
        {
            infos.Add(await InfoAsync(space, spaces, queue, indexes, recall, rate, ct));
        }

        var active = all.FirstOrDefault(s => s.State == EmbeddingSpaceStates.Active);
        return TypedResults.Ok(new EmbeddingStatus(infos, infos.FirstOrDefault(i => i.Id == active?.Id)?.Queue ?? await queue.StatusAsync(ct))
        {
            Provider = await provider.LookAsync(active?.Identity, ct),
        });
    }

    internal static async Task<Results<Ok<EmbeddingSpaceInfo>, ProblemHttpResult>> GetAsync(
        int id, EmbeddingSpaceStore spaces, EmbeddingQueueStore queue, VectorIndexStore indexes, IndexRecallStore recall, EmbeddingRate rate, CancellationToken ct) =>
        await spaces.FindAsync(id, ct) is { } space ? TypedResults.Ok(await InfoAsync(space, spaces, queue, indexes, recall, rate, ct)) : Missing(id);

    public static ProblemHttpResult Missing(int id) => Problems.NotFound(FormattableString.Invariant($"There is no embedding space {id}."));

    private static async Task<EmbeddingSpaceInfo> InfoAsync(
        EmbeddingSpace space, EmbeddingSpaceStore spaces, EmbeddingQueueStore queue, VectorIndexStore indexes, IndexRecallStore recall, EmbeddingRate rate, CancellationToken ct)
    {
        var size = await spaces.SizeAsync(space, ct);
        return new EmbeddingSpaceInfo(
            space.Id, space.Provider, space.Model, space.Digest, space.Dimensions, space.Distance, space.PrefixProfile, space.State, size.Vectors, space.IndexState, space.CreatedAt)
        {
            Queue = await queue.StatusAsync(space, ct) with { RatePerSecond = rate.Of(space.Id) },
            FilledAt = space.FilledAt,
            ActivatedAt = space.ActivatedAt,
            Bytes = size.Bytes,
            WantedIndex = space.WantedIndex?.Kind,
            VectorIndex = await IndexAsync(space, indexes, ct),
            Recall = await recall.ReadAsync(space, ct) is { } window
                ? new SpaceRecall(Math.Round(window.Recall, 4), window.Searches, window.CutShort, window.MeasuredAt, window.Advice(space))
                : null,
        };
    }

    private static async Task<VectorIndexInfo?> IndexAsync(EmbeddingSpace space, VectorIndexStore indexes, CancellationToken ct) =>
        space is { IndexState: "ready", BuiltIndex: { } built }
            ? new VectorIndexInfo(built.Kind, built.Lists, built.Probes, built.Rows, (await indexes.LookAsync(space, ct)).Bytes, built.BuiltAt)
            : null;
}

/// <summary>How the provider does, a moment old at most: whoever asks for the status again and again must not keep the model's server busy with it.</summary>
internal sealed class ProviderGlance(EmbeddingModels models, TimeProvider time)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private volatile Seen? _seen;

    /// <param name="space">Null: there is none yet.</param>
    public async Task<EmbeddingProviderStatus> LookAsync(EmbeddingModel? space, CancellationToken ct)
    {
        if (_seen is { } seen && seen.Space == space && time.GetElapsedTime(seen.At) < Fresh)
        {
            return seen.Status;
        }

        var status = await models.StatusAsync(space, ct);
        _seen = new Seen(space, status, time.GetTimestamp());
        return status;
    }

    private sealed record Seen(EmbeddingModel? Space, EmbeddingProviderStatus Status, long At);
}
