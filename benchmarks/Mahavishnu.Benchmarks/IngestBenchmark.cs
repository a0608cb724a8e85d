using System.Diagnostics;
using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Benchmarks;

/// <summary>From a directory to fully searchable: read, split, accept, embed, index. One run over one source tree, an empty database, the built-in model.</summary>
internal sealed class IngestBenchmark : IBenchmark
{
    // What sources of this kind come to, with room: the run itself says how many chunks it made.
    private const int BytesPerChunk = 1_900;

    public string Name => "ingest";

    public async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkArguments arguments, CancellationToken ct)
    {
        var tree = Directory.CreateTempSubdirectory("mahavishnu-bench-");
        try
        {
            var wanted = arguments.Number("chunks", 20_000);
            var (files, bytes) = Corpus.Collect(tree.FullName, (long)wanted * BytesPerChunk);
            await using var database = await BenchmarkDatabaseStore.CreateAsync(ct);
            using var stages = new StageClock();
            await using var server = await BenchmarkServer.StartAsync(database.ConnectionString, tree.FullName, null, ct);

            var clock = Stopwatch.StartNew();
            var operation = await new RepositoriesClient(server.Http).IngestAsync(new IngestRepositoryRequest { Path = tree.FullName, RepoId = "bench", Include = Corpus.Include }, ct);
            await foreach (var state in new OperationsClient(server.Http).WatchAsync(operation.Id, ct))
            {
                operation = state;
            }

            var accepted = clock.Elapsed;
            if (operation.State != OperationStates.Completed)
            {
                throw new InvalidOperationException($"The ingestion ended as {operation.State}: {operation.Error?.Message}");
            }

            var result = operation.Result!.Value.Deserialize<RepositoryResult>(WireJson.Lenient)!;
            var (embedded, indexed) = await server.UntilSearchableAsync(clock, result.Chunks, ct);
            // Microsoft.Extensions.AI's own instrument around the model; the worker's includes storing what it made.
            var model = stages.Seconds("gen_ai.client.operation.duration");
            return
            [
                new("files", files, "files"),
                new("source", bytes / 1e6, "MB"),
                new("chunks", result.Chunks, "chunks", AtLeast: 20_000),
                new("mean chunk", (double)result.Bytes / result.Chunks, "bytes"),
                new("accepted (durable, found by words)", result.Chunks / accepted.TotalSeconds, "chunks/s", AtLeast: 1_500),
                new("fully searchable, index included", result.Chunks / indexed.TotalSeconds, "chunks/s", AtLeast: 400),
                new("fully searchable, index included", result.Bytes / 1e6 / indexed.TotalSeconds, "MB/s", AtLeast: 1.5),
                new("until accepted", accepted.TotalSeconds, "s"),
                new("until embedded", embedded.TotalSeconds, "s"),
                new("until indexed", indexed.TotalSeconds, "s"),
                new("of which read", stages.Seconds("mahavishnu.ingest.repository.stage_time:read"), "s"),
                new("of which split", stages.Seconds("mahavishnu.ingest.repository.stage_time:split"), "s"),
                new("of which write (two writers)", stages.Seconds("mahavishnu.ingest.repository.stage_time:write"), "s"),
                new("of which embed (all workers)", model, "s"),
                new("of which write vectors (all workers)", stages.Seconds("mahavishnu.embedding.duration") - model, "s"),
                new("of which index", (indexed - embedded).TotalSeconds, "s"),
                new("process memory, peak", Machine.PeakMemory(), "MB", AtMost: 600),
            ];
        }
        finally
        {
            tree.Delete(recursive: true);
        }
    }
}
