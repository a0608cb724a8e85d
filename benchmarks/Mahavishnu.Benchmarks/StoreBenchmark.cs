using Mahavishnu.Storage;

namespace Mahavishnu.Benchmarks;

/// <summary>Makes the synthetic store that the others search, where it is not there yet, and says what it is like.</summary>
internal sealed class StoreBenchmark : IBenchmark
{
    public string Name => "store";

    public async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkArguments arguments, CancellationToken ct)
    {
        var rows = arguments.Number("rows", 150_000);
        var (database, load) = await BenchmarkDatabaseStore.CreateSyntheticAsync(rows, ct);
        await using var _ = database;
        await using var db = StorageModule.OpenDataSource(database.ConnectionString);
        var (nearest, twentieth) = await new SyntheticStore(db).SimilaritiesAsync(ct);
        await Console.Error.WriteLineAsync(!BenchmarkDatabaseStore.IsKept(rows) ? "A store of this size is not kept." : $"The store is kept as {BenchmarkDatabaseStore.SyntheticName(rows)}; CREATE DATABASE … TEMPLATE copies it, DROP DATABASE removes it.");
        return
        [
            new("rows", rows, "memories"),
            new("similarity of the nearest to a question", nearest, "cosine"),
            new("similarity of the twentieth", twentieth, "cosine"),
            .. load is null ? [] : new Figure[]
            {
                new("memories copied, words and indexes included", rows / load.Memories.TotalSeconds, "memories/s"),
                new("vectors made and copied, no vector index", rows / load.Vectors.TotalSeconds, "memories/s"),
                new("vector index built", rows / load.Index.TotalSeconds, "memories/s"),
                new("vector index built", load.Index.TotalSeconds, "s"),
            },
        ];
    }
}
