using System.Diagnostics;
using Mahavishnu.Storage;
using Npgsql;

namespace Mahavishnu.Benchmarks;

/// <summary>A way to find the nearest vectors, and what it promises.</summary>
internal sealed record IndexKind(string Name, double? Least)
{
    /// <summary>What the store comes with.</summary>
    public static readonly IndexKind Default = new("hnsw", 0.985);

    public static readonly IndexKind Exact = new("exact", 1);

    public static readonly IReadOnlyList<IndexKind> All = [Default, Exact];

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
        var clock = Stopwatch.StartNew();
        await new VectorIndexStore(db).DropAsync(space, ct);
        return this == Exact ? 0 : clock.Elapsed.TotalSeconds;
    }
}
