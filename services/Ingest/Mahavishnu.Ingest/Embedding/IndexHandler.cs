using System.Data.Common;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>What an <c>index</c> operation works on.</summary>
/// <param name="Wanted">What the space is to have from now on; null: what it is to have anyway.</param>
internal sealed record IndexInput(short SpaceId, VectorIndexSpec? Wanted = null);

/// <summary>
/// The <c>index</c> operation: builds a space's vector index beside running reads and writes, and beside the index that serves. Begun again after a
/// crash, it clears away what was left half-built.
/// </summary>
internal sealed class IndexHandler(EmbeddingSpaceStore spaces, VectorIndexStore indexes, IOptions<VectorIndexOptions> options, TimeProvider time) : IOperationHandler
{
    private const string Unit = "vectors";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public string Kind => OperationKinds.Index;

    public async Task<object?> RunAsync(OperationRun run, CancellationToken ct)
    {
        var input = run.Input<IndexInput>();
        var space = await spaces.FindAsync(input.SpaceId, ct) ?? throw new OperationFailedException(ErrorCodes.NotFound, $"There is no embedding space {input.SpaceId}.");
        var began = time.GetTimestamp();
        var spec = input.Wanted ?? options.Value.For(space);
        run.Report(0, null, Unit, $"Indexing the vectors of {space.Model}");
        var note = await ChangeAsync(run, space, spec, input.Wanted is not null, ct);

        var vectors = await spaces.CountVectorsAsync(space, ct);
        run.Report(vectors, vectors, Unit, null);
        var now = await spaces.FindAsync(space.Id, ct);
        var built = now is { IndexState: "ready" } ? now.BuiltIndex : null;
        return new IndexResult(
            space.Id, built?.Kind ?? VectorIndexKinds.None, built?.Lists, built?.Probes, vectors, (await indexes.LookAsync(space, ct)).Bytes,
            Math.Round(time.GetElapsedTime(began).TotalSeconds, 2), note);
    }

    /// <returns>What is yet to come; null: nothing.</returns>
    private async Task<string?> ChangeAsync(OperationRun run, EmbeddingSpace space, VectorIndexSpec spec, bool wanted, CancellationToken ct)
    {
        if (spec.Kind == VectorIndexKinds.None)
        {
            await indexes.DropAsync(space, wanted ? spec : null, ct);
            return null;
        }

        var rows = await spaces.CountVectorsAsync(space, ct);
        if (rows == 0 || space.FilledAt is null)
        {
            // Lists without vectors have no centres, and a graph grown one step at a time takes many times as long.
            await indexes.WantAsync(space, spec, ct);
            return rows == 0 ? "There are no vectors yet: the index is built once there are enough." : "The space is being filled: the index is built after that.";
        }

        var look = await indexes.LookAsync(space, ct);
        var situation = new IndexSituation(space.IndexState, look.Valid, rows, 0, false, false) { Wanted = spec, Built = space.BuiltIndex, Gone = look.Gone };
        if (wanted && situation.Whole && !IndexDecision.IsOutgrown(situation) && space.BuiltIndex is { Lists: { } lists } built && spec.ProbesOf(lists) != built.Probes)
        {
            await indexes.ProbeAsync(space, spec, spec.ProbesOf(lists), ct);
            return null;
        }

        await BuildAsync(run, space, spec, wanted, ct);
        return null;
    }

    private async Task BuildAsync(OperationRun run, EmbeddingSpace space, VectorIndexSpec spec, bool wanted, CancellationToken ct)
    {
        // PostgreSQL counts each phase anew, and looks through the table once more at the end.
        long most = 0;
        try
        {
            await indexes.BuildAsync(
                space, spec, options.Value.BuildMemory, wanted,
                progress => run.Report(
                    most = Math.Max(most, progress.Done), progress.Total >= most && progress.Total > 0 ? progress.Total : null, Unit,
                    $"Indexing the vectors of {space.Model} ({spec.Kind}): {progress.Phase}"),
                ct);
        }
        catch (Exception)
        {
            // Nobody should wait for an index that nobody builds. Where this fails too, whoever looks after the indexes clears up.
            await TryClearAsync(space);
            throw;
        }
    }

    private async Task TryClearAsync(EmbeddingSpace space)
    {
        try
        {
            using var patience = new CancellationTokenSource(Patience, time);
            await indexes.ClearAsync(space, patience.Token);
        }
        catch (Exception e) when (e is DbException or OperationCanceledException)
        {
            // The failure that brought us here is the one to tell.
        }
    }
}
