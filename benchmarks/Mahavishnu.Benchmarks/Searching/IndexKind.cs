using System.Diagnostics;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Npgsql;

namespace Mahavishnu.Benchmarks;

/// <summary>A way to find the nearest vectors, and what it promises.</summary>
internal sealed record IndexKind(string Name, VectorIndexSpec Spec, double? Least)
{
    /// <summary>Holds the graph of 500,000 half vectors of 768 dimensions, or of 150,000 at full width: one that outgrows its memory takes more than twice as long.</summary>
    public const string BuildMemory = "1GB";

    /// <summary>What the store comes with.</summary>
    public static readonly IndexKind Default = new("hnsw", VectorIndexSpec.Hnsw, 0.985);

    public static readonly IndexKind Exact = new("exact", new VectorIndexSpec(VectorIndexKinds.None), 1);

    public static readonly IReadOnlyList<IndexKind> All =
    [
        Default,
        new("hnsw-vector", new VectorIndexSpec(VectorIndexKinds.HnswVector), 0.985),
        new("ivfflat", new VectorIndexSpec(VectorIndexKinds.Ivfflat, VectorIndexSpec.UsualLists), 0.95),
        Exact,
    ];

    /// <summary>Least share of the true neighbours; null where nothing is promised.</summary>
    public double? Recall(Scope scope) => scope switch
    {
        Scope.OnePerMille => 1,
        Scope.TenPercent when Least < 1 => this == Default ? 0.97 : null,
        _ => Least,
    };

    /// <returns>Seconds that the index took; 0 where there was nothing to build.</returns>
    public async Task<double> PrepareAsync(NpgsqlDataSource db, CancellationToken ct)
    {
        if (this == Default)
        {
            return 0;
        }

        var space = (await new EmbeddingSpaceStore(db).FindActiveAsync(ct))!;
        var indexes = new VectorIndexStore(db);
        // As the space's own wish, or the service would build what it is set to.
        await indexes.DropAsync(space, Spec, ct);
        if (this == Exact)
        {
            return 0;
        }

        var clock = Stopwatch.StartNew();
        await indexes.BuildAsync(space, Spec, BuildMemory, wanted: true, ct: ct);
        return clock.Elapsed.TotalSeconds;
    }
}
