using System.Diagnostics;
using System.Globalization;
using System.Numerics.Tensors;
using Mahavishnu.Embeddings;
using Mahavishnu.OllamaStandIn;
using Mahavishnu.Storage;
using Npgsql;
using NpgsqlTypes;
using Pgvector;

namespace Mahavishnu.Benchmarks;

/// <summary>What it took to make one.</summary>
internal sealed record SyntheticLoad(TimeSpan Memories, TimeSpan Vectors, TimeSpan Truth, TimeSpan Index);

/// <summary>Fills an empty, migrated database: memories and vectors by COPY into the product's own tables, the true neighbours of every question, the product's index.</summary>
internal sealed class SyntheticStore(NpgsqlDataSource db)
{
    public const int Neighbours = 20;

    /// <summary>Loads and indexes.</summary>
    public async Task<SyntheticLoad> FillAsync(int rows, int projects, CancellationToken ct)
    {
        var space = await MakeSpaceAsync(ct);
        var clock = Stopwatch.StartNew();
        await Progress.SayAsync("store: memories");
        await CopyMemoriesAsync(rows, projects, ct);
        await ExecuteAsync("VACUUM (ANALYZE) memories", ct);
        var memories = clock.Elapsed;
        await Progress.SayAsync("store: vectors");
        await CopyVectorsAsync(space, rows, projects, ct);
        await ExecuteAsync($"VACUUM (ANALYZE) {space.Table}", ct);
        var vectors = clock.Elapsed;
        // Before there is an index that could stand in the way of the truth.
        await Progress.SayAsync("store: the true neighbours");
        await FindTruthAsync(space, ct);
        var truth = clock.Elapsed;
        await Progress.SayAsync("store: vector index");
        await new VectorIndexStore(db).BuildAsync(space, VectorIndexSpec.Hnsw, IndexKind.BuildMemory, ct: ct);
        return new SyntheticLoad(memories, vectors - memories, truth - vectors, clock.Elapsed - truth);
    }

    /// <summary>The nearest memories of each question, nearest first; none where a small store has none in its scope.</summary>
    public async Task<IReadOnlyList<IReadOnlyList<Guid>>> TruthAsync(Scope scope, CancellationToken ct)
    {
        await using var command = db.CreateCommand("SELECT coalesce(ids, '{}') FROM synthetic_truth WHERE scope = $1 ORDER BY question");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = scope.ToString() });
        await using var row = await command.ExecuteReaderAsync(ct);
        var truth = new List<IReadOnlyList<Guid>>();
        while (await row.ReadAsync(ct))
        {
            truth.Add(row.GetFieldValue<Guid[]>(0));
        }

        return truth;
    }

    /// <summary>Mean similarity of the questions' nearest and twentieth memories.</summary>
    public async Task<(double Nearest, double Twentieth)> SimilaritiesAsync(CancellationToken ct)
    {
        await using var command = db.CreateCommand("SELECT avg(similarities[1]), avg(similarities[20]) FROM synthetic_truth WHERE scope = 'All'");
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return (row.GetDouble(0), row.GetDouble(1));
    }

    /// <summary>The space that the services will find: of the stand-in's model, as if it had been chosen for the first memory.</summary>
    private async Task<EmbeddingSpace> MakeSpaceAsync(CancellationToken ct)
    {
        await using var server = await OllamaServer.StartNewAsync(SyntheticQuestion.Model);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(StandIn.Settings(server, calls: 1, SyntheticQuestion.Model));
        builder.AddEmbeddings();
        await using var services = builder.Services.BuildServiceProvider();
        var model = await services.GetRequiredService<EmbeddingModels>().ChooseAsync(ct);
        return await new EmbeddingSpaceStore(db).EnsureActiveAsync(model, ct);
    }

    private async Task CopyMemoriesAsync(int rows, int projects, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var copy = await connection.BeginBinaryImportAsync("""
            COPY memories (id, memory_type, source_system, content, content_hash, dedupe_key, tags, repo_id, project_id, session_id, metadata, occurred_at, created_at, updated_at)
            FROM STDIN (FORMAT binary)
            """, ct);
        copy.Timeout = TimeSpan.FromHours(1);
        for (var row = 0; row < rows; row++)
        {
            var memory = SyntheticMemory.Of(row, projects);
            var hash = MemoryDraft.HashOf(memory.Content);
            await copy.StartRowAsync(ct);
            await copy.WriteAsync(memory.Id, ct);
            await copy.WriteAsync(memory.Type, ct);
            await copy.WriteAsync(memory.Source, ct);
            await copy.WriteAsync(memory.Content, ct);
            await copy.WriteAsync(hash, ct);
            await copy.WriteAsync(DedupeKeys.ForMemory(memory.Type, memory.Project, hash), ct);
            await copy.WriteAsync<string[]>(["synthetic", string.Create(CultureInfo.InvariantCulture, $"tag-{row % 10}")], ct);
            await copy.WriteAsync(memory.Repo, ct);
            await copy.WriteAsync(memory.Project, ct);
            await (memory.Session is { } session ? copy.WriteAsync(session, ct) : copy.WriteNullAsync(ct));
            await copy.WriteAsync(memory.Metadata, NpgsqlDbType.Jsonb, ct);
            await copy.WriteAsync(memory.At, ct);
            await copy.WriteAsync(memory.At, ct);
            await copy.WriteAsync(memory.At, ct);
        }

        await copy.CompleteAsync(ct);
    }

    private async Task CopyVectorsAsync(EmbeddingSpace space, int rows, int projects, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var copy = await connection.BeginBinaryImportAsync(
            $"COPY {space.Table} (tenant_id, memory_id, part, embedding, memory_type, source_system, project_id, repo_id, occurred_at) FROM STDIN (FORMAT binary)", ct);
        copy.Timeout = TimeSpan.FromHours(1);
        for (var row = 0; row < rows; row++)
        {
            var memory = SyntheticMemory.Of(row, projects);
            await copy.StartRowAsync(ct);
            await copy.WriteAsync(TenantScope.Default, ct);
            await copy.WriteAsync(memory.Id, ct);
            await copy.WriteAsync((short)0, ct);
            await copy.WriteAsync(Half(SyntheticVectors.Of(row)), ct);
            await copy.WriteAsync(memory.Type, ct);
            await copy.WriteAsync(memory.Source, ct);
            await copy.WriteAsync(memory.Project, ct);
            await copy.WriteAsync(memory.Repo, ct);
            await copy.WriteAsync(memory.At, ct);
        }

        await copy.CompleteAsync(ct);
    }

    private async Task FindTruthAsync(EmbeddingSpace space, CancellationToken ct)
    {
        await ExecuteAsync("CREATE TABLE synthetic_truth (question int, scope text, ids uuid[], similarities float8[], PRIMARY KEY (question, scope))", ct);
        // Two at a time: a question's search is one process's work.
        await Parallel.ForAsync(0, SyntheticQuestion.Count, new ParallelOptions { MaxDegreeOfParallelism = 2, CancellationToken = ct }, async (question, token) =>
        {
            foreach (var scope in Enum.GetValues<Scope>())
            {
                await using var command = SqlText.Command($"""
                    INSERT INTO synthetic_truth
                    SELECT $1, $2, array_agg(n.memory_id ORDER BY n.distance), array_agg(1 - n.distance ORDER BY n.distance)
                    FROM (SELECT e.memory_id, e.embedding {space.Operator} $3 AS distance FROM {space.Table} e
                          WHERE ($4::text IS NULL OR e.memory_type = $4) AND ($5::text IS NULL OR e.repo_id = $5) ORDER BY distance LIMIT $6) n
                    """, db);
                command.CommandTimeout = 0;
                command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = question });
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = scope.ToString() });
                command.Parameters.Add(new NpgsqlParameter { Value = Half(SyntheticQuestion.Vector(question)), DataTypeName = "halfvec" });
                command.Parameters.Add(new NpgsqlParameter { Value = (object?)scope.Type() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
                command.Parameters.Add(new NpgsqlParameter { Value = (object?)scope.Repo(question) ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
                command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = Neighbours });
                await command.ExecuteNonQueryAsync(token);
            }
        });
    }

    private static HalfVector Half(float[] vector)
    {
        var halves = new Half[vector.Length];
        TensorPrimitives.ConvertToHalf(vector, halves);
        return new HalfVector(halves);
    }

    private async Task ExecuteAsync(string sql, CancellationToken ct)
    {
        await using var command = SqlText.Command(sql, db);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(ct);
    }
}
