using System.Diagnostics.Metrics;
using Mahavishnu.Contracts;
using Microsoft.Extensions.DependencyInjection;

namespace Mahavishnu.Storage.Tests;

/// <summary>The stores over a database of the test's own.</summary>
internal sealed class Stores : IAsyncDisposable
{
    public static readonly EmbeddingModel Model = new("builtin", "test", "1", 4, "cosine", "none");
    private static readonly DateTimeOffset Noon = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    private Stores(TestDatabase database)
    {
        Database = database;
        var tenant = new TenantScope();
        Signal = new EmbeddingSignal();
        Memories = new MemoryWriteStore(database.DataSource, tenant, Signal, new StorageTelemetry(Meters));
        Queue = new EmbeddingQueueStore(database.DataSource, tenant);
        Spaces = new EmbeddingSpaceStore(database.DataSource);
        Fill = new EmbeddingFillStore(database.DataSource, tenant, Spaces);
        Cache = new EmbeddingCacheStore(database.DataSource);
        Index = new VectorIndexStore(database.DataSource);
        Operations = new OperationStore(database.DataSource, tenant, TimeProvider.System);
    }

    public TestDatabase Database { get; }

    /// <summary>Of the stores' own instruments.</summary>
    public IMeterFactory Meters => _services.GetRequiredService<IMeterFactory>();

    public EmbeddingSignal Signal { get; }

    public MemoryWriteStore Memories { get; }

    public EmbeddingQueueStore Queue { get; }

    public EmbeddingSpaceStore Spaces { get; }

    public EmbeddingFillStore Fill { get; }

    public EmbeddingCacheStore Cache { get; }

    public VectorIndexStore Index { get; }

    public OperationStore Operations { get; }

    public static async Task<Stores> CreateAsync(PostgresFixture postgres) => new(await postgres.CreateDatabaseAsync(poolSize: 12));

    /// <summary>With an active space, so that writes ask for vectors.</summary>
    public static async Task<(Stores Stores, EmbeddingSpace Space)> CreateWithSpaceAsync(PostgresFixture postgres)
    {
        var stores = await CreateAsync(postgres);
        return (stores, await stores.Spaces.EnsureActiveAsync(Model, TestContext.Current.CancellationToken));
    }

    /// <summary>A draft with the key that a single memory has.</summary>
    public static MemoryDraft Draft(string content, Guid? id = null, string type = MemoryTypes.Agent, string? projectId = null, params string[] tags)
    {
        var draft = new MemoryDraft
        {
            Id = id ?? Guid.CreateVersion7(),
            IdGiven = id is not null,
            Type = type,
            Source = "test",
            Content = content,
            ProjectId = projectId,
            Tags = tags,
            OccurredAt = Noon,
        };
        return draft with { DedupeKey = DedupeKeys.ForMemory(type, projectId, draft.ContentHash) };
    }

    public Task<IReadOnlyList<WriteOutcome>> WriteAsync(params MemoryDraft[] drafts) =>
        Memories.WriteAsync(drafts, WriteMode.Insert, TestContext.Current.CancellationToken);

    public Task<IReadOnlyList<WriteOutcome>> UpsertAsync(params MemoryDraft[] drafts) =>
        Memories.WriteAsync(drafts, WriteMode.Upsert, TestContext.Current.CancellationToken);

    public async Task<Memory?> ReadAsync(Guid id)
    {
        await using var command = SqlText.Command($"SELECT {MemoryRowStore.Columns} FROM memories m WHERE m.id = $1", Database.DataSource);
        command.Parameters.AddWithValue(id);
        await using var row = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        return await row.ReadAsync(TestContext.Current.CancellationToken) ? MemoryRowStore.Read(row) : null;
    }

    public Task<long> CountAsync(string table) => Database.ScalarAsync<long>($"SELECT count(*) FROM {table}");

    /// <summary>What a lease of a worker that died looks like, without waiting for it.</summary>
    public Task ExpireLeasesAsync() =>
        Database.ExecuteAsync("WITH q AS (UPDATE embedding_queue SET claimed_until = '-infinity') UPDATE operations SET claimed_until = '-infinity'");

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await Database.DisposeAsync();
    }
}
