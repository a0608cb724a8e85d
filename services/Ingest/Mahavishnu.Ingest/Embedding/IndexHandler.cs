using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>What an <c>index</c> operation works on.</summary>
internal sealed record IndexInput(short SpaceId);

/// <summary>Result of an <c>index</c> operation.</summary>
internal sealed record IndexResult(long Vectors, double Seconds);

/// <summary>The <c>index</c> operation: builds a space's vector index beside running reads and writes. Begun again after a crash, it clears away what was left half-built.</summary>
internal sealed class IndexHandler(EmbeddingSpaceStore spaces, VectorIndexStore indexes, IOptions<VectorIndexOptions> options, TimeProvider time) : IOperationHandler
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public string Kind => OperationKinds.Index;

    public async Task<object?> RunAsync(OperationRun run, CancellationToken ct)
    {
        var id = run.Input<IndexInput>().SpaceId;
        var space = (await spaces.ListAsync(ct)).FirstOrDefault(s => s.Id == id)
            ?? throw new OperationFailedException(ErrorCodes.NotFound, $"There is no embedding space {id}.");
        var began = time.GetTimestamp();
        run.Report(0, null, "vectors", $"Indexing the vectors of {space.Model}");
        try
        {
            await indexes.BuildAsync(
                space,
                options.Value.BuildMemory,
                (done, total) =>
                {
                    run.Report(done, total > 0 ? total : null, "vectors", $"Indexing the vectors of {space.Model}");
                    return Task.CompletedTask;
                },
                ct);
        }
        catch (Exception)
        {
            // Nobody should wait for an index that nobody builds. Where this fails too, the next build clears up.
            await TryDropAsync(space);
            throw;
        }

        var vectors = await spaces.CountVectorsAsync(space, ct);
        run.Report(vectors, vectors, "vectors", null);
        return new IndexResult(vectors, Math.Round(time.GetElapsedTime(began).TotalSeconds, 2));
    }

    private async Task TryDropAsync(EmbeddingSpace space)
    {
        try
        {
            using var patience = new CancellationTokenSource(Patience, time);
            await indexes.DropAsync(space, patience.Token);
        }
        catch (Exception e) when (e is System.Data.Common.DbException or OperationCanceledException)
        {
            // The failure that brought us here is the one to tell.
        }
    }
}
