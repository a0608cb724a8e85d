using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.Storage;
using Microsoft.Extensions.DependencyInjection;
using Pgvector;

namespace Mahavishnu.Ingest.Tests;

/// <summary>Two spaces over the same memories, whose vectors the test writes down: where a memory stands on a line decides how near it is.</summary>
internal sealed class ComparingWorld : IAsyncDisposable
{
    private ComparingWorld(TestDatabase database, TestHost host, EmbeddingSpace old, EmbeddingSpace young, KnownModels models, KnownModel oldModel, KnownModel youngModel) =>
        (Database, Host, Old, New, Models, OldModel, NewModel) = (database, host, old, young, models, oldModel, youngModel);

    public TestDatabase Database { get; }

    public TestHost Host { get; }

    public KnownModels Models { get; }

    public KnownModel OldModel { get; }

    public KnownModel NewModel { get; }

    /// <summary>The active space.</summary>
    public EmbeddingSpace Old { get; }

    /// <summary>The one beside it, filled.</summary>
    public EmbeddingSpace New { get; }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <param name="fill">Whether the new space counts as filled.</param>
    public static async Task<ComparingWorld> StartAsync(PostgresFixture postgres, bool fill = true)
    {
        var models = new KnownModels();
        var (oldModel, newModel) = (models.Add("old", 2, "l2"), models.Add("new", 2, "l2"));
        var database = await postgres.CreateDatabaseAsync();
        try
        {
            var spaces = new EmbeddingSpaceStore(database.DataSource);
            var active = await spaces.EnsureActiveAsync(oldModel.Info, Ct);
            var (added, _) = await spaces.AddAsync(newModel.Info, Ct);
            if (fill)
            {
                await database.ExecuteAsync("UPDATE embedding_spaces SET filled_at = now()");
            }

            var host = await TestHost.StartAsync(
                database.ConnectionString,
                builder =>
                {
                    builder.AddEmbeddings();
                    builder.Services.AddSingleton<IEmbeddingProvider>(models);
                    builder.AddIngest();
                },
                app => app.MapIngest(),
                // Nobody looks for a server.
                ("Embedding:Provider", "builtin"));
            return new ComparingWorld(database, host, (await spaces.FindAsync(active.Id, Ct))!, (await spaces.FindAsync(added.Id, Ct))!, models, oldModel, newModel);
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    /// <summary>A question and where it stands in each space.</summary>
    public string Ask(string question, float old, float young)
    {
        OldModel.With(question, old, 1);
        NewModel.With(question, young, 1);
        return question;
    }

    /// <summary>A memory and where its parts stand in each space. It comes straight into the tables: the queue and its workers are another's story.</summary>
    public async Task<Guid> RememberAsync(string content, float[] old, float[] young, string? projectId = null)
    {
        var id = Guid.CreateVersion7();
        await Database.ExecuteAsync("""
            INSERT INTO memories (id, memory_type, source_system, content, content_hash, project_id, occurred_at)
            VALUES ($1, 'agent', 'test', $2, sha256($2::bytea), nullif($3, ''), now())
            """, id, content, projectId ?? "");
        foreach (var (space, places) in new[] { (Old, old), (New, young) })
        {
            await Database.ExecuteAsync($"""
                INSERT INTO {space.Table} (tenant_id, memory_id, part, embedding, memory_type, source_system, project_id, occurred_at)
                SELECT 'default', $1, n, v, 'agent', 'test', nullif($3, ''), now() FROM unnest($2) WITH ORDINALITY AS p(v, n)
                """, id, places.Select(p => new HalfVector(new[] { (Half)p, (Half)1 })).ToArray(), projectId ?? "");
        }

        return id;
    }

    public Task<Guid> RememberAsync(string content, float old, float young, string? projectId = null) => RememberAsync(content, [old], [young], projectId);

    public async Task PinAsync(string question, Guid memory, string? projectId = null) =>
        Assert.NotNull(await Host.Get<PinnedQueryStore>().AddAsync(question, memory, new QueryScope { ProjectId = projectId }, Ct));

    public Task SampleAsync(string question, string? projectId = null) =>
        Host.Get<SampledQueryStore>().AddAsync([new SampledQuery(question, new QueryScope { ProjectId = projectId }, DateTimeOffset.UtcNow)], 100, Ct);

    public Task<SpaceComparison> CompareAsync(int? queries = null) => Host.Admin.CompareSpacesAsync(New.Id, new CompareSpacesRequest { Queries = queries }, Ct);

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await Database.DisposeAsync();
    }
}
