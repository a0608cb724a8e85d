using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DuckDB.NET.Data;
using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.Storage;
using Microsoft.Extensions.AI;

namespace Mahavishnu.Benchmarks;

/// <summary>A Session-Buddy file of 150,000 rows: imported alone, imported while what came in is being embedded, and a sample of it the plan's way (read a row, embed it, insert it).</summary>
internal sealed class ImportBenchmark : IBenchmark
{
    private const int PlanSample = 500;

    public string Name => "import";

    public async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkArguments arguments, CancellationToken ct)
    {
        var count = arguments.Number("rows", 150_000);
        var folder = Directory.CreateTempSubdirectory("mahavishnu-bench-");
        try
        {
            var file = Path.Combine(folder.FullName, "reflection.duckdb");
            Write(file, count);
            var alone = await MeasureAsync(file, embedding: false, ct);
            // Before the others: it is the process's largest size so far.
            var memory = Machine.PeakMemory();
            var beside = await MeasureAsync(file, embedding: true, ct);
            var plan = await MeasurePlanAsync(file, Math.Min(count, PlanSample), ct);
            return
            [
                new("rows", count, "rows"),
                new("file", new FileInfo(file).Length / 1e6, "MB"),
                new("imported without embedding", alone.Rate, "rows/s", AtLeast: 3_000),
                new("until the first progress", alone.FirstProgress.TotalSeconds, "s", AtMost: 2),
                new("process memory, peak (database of the file included)", memory, "MB", AtMost: 400),
                new("imported with the built-in model embedding beside", beside.Rate, "rows/s"),
                new("slower by", alone.Rate / beside.Rate, "×", AtMost: 2),
                new("pending embeddings when the import ended", beside.Pending, "memories"),
                new("the plan's way, with the built-in model", plan, "rows/s"),
                new("import : the plan's way", alone.Rate / plan, "×"),
            ];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private sealed record Measured(double Rate, TimeSpan FirstProgress, long Pending);

    private static async Task<Measured> MeasureAsync(string file, bool embedding, CancellationToken ct)
    {
        await using var database = await BenchmarkDatabaseStore.CreateAsync(ct);
        var settings = embedding ? null : new Dictionary<string, string?>(StringComparer.Ordinal) { ["Embedding:Workers"] = "0" };
        await using var server = await BenchmarkServer.StartAsync(database.ConnectionString, Path.GetDirectoryName(file)!, settings, ct);
        var clock = Stopwatch.StartNew();
        var operation = await new ImportsClient(server.Http).StartAsync(new ImportRequest { Paths = [file], TimeZone = "America/Los_Angeles", Verify = false }, ct);
        TimeSpan? first = null;
        await foreach (var state in new OperationsClient(server.Http).WatchAsync(operation.Id, ct))
        {
            operation = state;
            first ??= state.Progress.Total > 0 ? clock.Elapsed : null;
        }

        if (operation.State != OperationStates.Completed)
        {
            throw new InvalidOperationException($"The import ended as {operation.State}: {operation.Error?.Message}");
        }

        var report = operation.Result!.Value.Deserialize<ImportReport>(WireJson.Lenient)!;
        return new Measured(report.Total.Read / report.Seconds, first ?? clock.Elapsed, report.PendingEmbeddings);
    }

    /// <summary>What the plan's migration does for each row: embed it, then insert it with its vector, in a transaction of its own.</summary>
    private static async Task<double> MeasurePlanAsync(string file, int count, CancellationToken ct)
    {
        await using var database = await BenchmarkDatabaseStore.CreateAsync(ct);
        await using var plan = new PlanStore(database.ConnectionString);
        await plan.PrepareAsync(ct);
        using var model = new HashEmbeddingGenerator();
        using var connection = new DuckDBConnection($"Data Source={file};ACCESS_MODE=READ_ONLY");
        await connection.OpenAsync(ct);
        var clock = Stopwatch.StartNew();
        using var command = SqlText.With(connection.CreateCommand(), string.Create(CultureInfo.InvariantCulture, $"SELECT content FROM reflections LIMIT {count}"));
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var content = row.GetString(0);
            await plan.InsertAsync(content, await model.GenerateVectorAsync(content, cancellationToken: ct), ct);
        }

        return count / clock.Elapsed.TotalSeconds;
    }

    // About 400 characters of prose with a few identifiers, all different; two in five rows are conversations.
    private static void Write(string file, int count)
    {
        using var connection = new DuckDBConnection($"Data Source={file}");
        connection.Open();
        var (conversations, reflections) = (count * 2 / 5, count - (count * 2 / 5));
        string[] statements =
        [
            "SET memory_limit = '128MB'",
            "CREATE TABLE conversations (id VARCHAR PRIMARY KEY, content TEXT NOT NULL, embedding FLOAT[384], project VARCHAR, timestamp TIMESTAMP, metadata JSON)",
            "CREATE TABLE reflections (id VARCHAR PRIMARY KEY, content TEXT NOT NULL, embedding FLOAT[384], project VARCHAR, tags VARCHAR[], timestamp TIMESTAMP, metadata JSON)",
            string.Create(CultureInfo.InvariantCulture, $$"""
                INSERT INTO conversations SELECT md5('c' || i), {{Text("conversation")}}, NULL, 'project-' || (i % 40), TIMESTAMP '2025-09-01' + INTERVAL (i) MINUTE,
                    '{"checkpoint_type": "manual", "quality_score": ' || (i % 100) || '}' FROM range({{conversations}}) t(i)
                """),
            string.Create(CultureInfo.InvariantCulture, $"""
                INSERT INTO reflections SELECT md5('r' || i), {Text("reflection")}, NULL, 'project-' || (i % 40), ['t' || (i % 10), 'bench'], TIMESTAMP '2025-09-01' + INTERVAL (i) MINUTE, NULL
                FROM range({reflections}) t(i)
                """),
        ];
        foreach (var statement in statements)
        {
            using var command = SqlText.With(connection.CreateCommand(), statement);
            command.ExecuteNonQuery();
        }

        static string Text(string kind) =>
            $"'In {kind} ' || i || ' the payment service retried order ' || (i * 7919 % 100003) || ' after HttpRequestException in ChargeCard_' || (i % 97) || '; back-off was ' || (i % 13) || ' seconds. "
            + "The reviewer asked to bound retries per customer, log the idempotency key, and keep the ledger entry ' || (i * 31 % 9973) || ' open until the gateway answers or the deadline passes. "
            + "We agreed to measure it first, on the staging cluster, with the traffic of last Tuesday.'";
    }
}
