using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Mahavishnu.Search.Tests;

/// <summary>The real search module on a real socket over a database of its own, and the means to fill it: the one write path and the built-in model.</summary>
internal sealed class SearchWorld : IAsyncDisposable
{
    // The built-in model, whatever the host under test was given.
    private static readonly Lazy<Task<EmbeddingClient>> Model = new(async () =>
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
        builder.AddEmbeddings();
        var models = builder.Services.BuildServiceProvider().GetRequiredService<EmbeddingModels>();
        return await models.OpenAsync(await models.DescribeAsync(EmbeddingProviders.Builtin, null, null, "cosine", CancellationToken.None), CancellationToken.None);
    });

    private SearchWorld(TestDatabase database, TestHost host)
    {
        Database = database;
        Host = host;
    }

    public TestDatabase Database { get; }

    public TestHost Host { get; }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <param name="add">What differs from the usual host; comes last.</param>
    /// <param name="prepare">Changes to the database before anybody connects.</param>
    public static async Task<SearchWorld> StartAsync(
        PostgresFixture postgres, Action<WebApplicationBuilder>? add = null, Func<TestDatabase, Task>? prepare = null, params (string Key, string? Value)[] settings)
    {
        var database = await postgres.CreateDatabaseAsync();
        try
        {
            await (prepare?.Invoke(database) ?? Task.CompletedTask);
            await new EmbeddingSpaceStore(database.DataSource).EnsureActiveAsync((await Model.Value).Model, Ct);
            var host = await TestHost.StartAsync(
                database.ConnectionString,
                builder =>
                {
                    builder.AddEmbeddings();
                    builder.AddSearch();
                    add?.Invoke(builder);
                },
                app => app.MapSearch(),
                // Nothing searches but the test, unless it says so.
                [.. (((string Key, string?)[])[("Search:RecallShare", "0"), .. settings]).GroupBy(s => s.Key, StringComparer.Ordinal).Select(g => g.Last())]);
            return new SearchWorld(database, host);
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    public static MemoryDraft Draft(string content) => new()
    {
        Id = Guid.CreateVersion7(),
        Type = MemoryTypes.Agent,
        Source = "test",
        Content = content,
        OccurredAt = new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero),
    };

    /// <summary>A chunk of a file, as the ingestion of a repository writes it.</summary>
    public static MemoryDraft Chunk(string repoId, string path, int start, int end, string content) => Draft(content) with
    {
        Type = MemoryTypes.Rag,
        Source = "repository",
        RepoId = repoId,
        Metadata = new JsonObject { ["path"] = path, ["lines"] = new JsonObject { ["start"] = start, ["end"] = end } }.ToJsonString(),
    };

    /// <summary>Stores and embeds.</summary>
    public async Task<Guid> RememberAsync(MemoryDraft draft)
    {
        await RememberAsync([draft]);
        return draft.Id;
    }

    public Task<Guid> RememberAsync(string content) => RememberAsync(Draft(content));

    public async Task RememberAsync(IReadOnlyList<MemoryDraft> drafts)
    {
        await StoreAsync(drafts);
        await EmbedAsync();
    }

    /// <summary>Stores without a vector.</summary>
    public async Task StoreAsync(params IReadOnlyList<MemoryDraft> drafts)
    {
        var outcomes = await Host.Get<MemoryWriteStore>().WriteAsync(drafts, WriteMode.Insert, Ct);
        Assert.All(outcomes, o => Assert.Equal(WriteStatus.Created, o.Status));
    }

    /// <summary>What the embedding worker does, now.</summary>
    public async Task EmbedAsync() => await EmbedAsync(await SpaceAsync(), await Model.Value);

    /// <summary>The same for a space and its model.</summary>
    public async Task EmbedAsync(EmbeddingSpace space, EmbeddingClient client)
    {
        var queue = Host.Get<EmbeddingQueueStore>();
        while (true)
        {
            var claim = await queue.ClaimAsync(space, 1_000, 64 * 1024 * 1024, TimeSpan.FromMinutes(1), Ct);
            if (claim.Jobs.Count == 0)
            {
                return;
            }

            var done = new List<EmbeddedJob>();
            foreach (var job in claim.Jobs)
            {
                var parts = TextParts.Split(job.Title is null ? job.Content : job.Title + "\n" + job.Content, client.MaxInputTokens, client.Tokens);
                done.Add(new EmbeddedJob(job, [.. (await client.Documents.GenerateAsync(parts, cancellationToken: Ct)).Select(e => e.Vector)]));
            }

            Assert.Equal(done.Count, await queue.CompleteAsync(claim, done, Ct));
        }
    }

    public async Task<EmbeddingSpace> SpaceAsync() => (await new EmbeddingSpaceStore(Database.DataSource).FindActiveAsync(Ct))!;

    /// <summary>Builds the vector index, as an operation would, and lets the search know.</summary>
    public async Task IndexAsync(string kind = VectorIndexKinds.Hnsw)
    {
        await Host.Get<VectorIndexStore>().BuildAsync(await SpaceAsync(), new VectorIndexSpec(kind), "64MB", ct: Ct);
        Host.Get<ActiveSpace>().Forget();
    }

    /// <summary>What autovacuum does, now: statistics, and the words of new rows put into their index proper.</summary>
    public async Task AnalyzeAsync()
    {
        await Database.ExecuteAsync("VACUUM ANALYZE");
        await Host.Get<LexemeStatistics>().RenewAsync(Ct);
    }

    /// <summary>The lines of the plan that the database makes for a search.</summary>
    /// <param name="without">Ways of the planner that are left out.</param>
    public async Task<List<string>> ExplainAsync(SearchPlan plan, params IReadOnlyList<string> without)
    {
        var search = Host.Get<SearchStore>().Compose(plan);
        await using var connection = await Database.DataSource.OpenConnectionAsync(Ct);
        await using var transaction = await connection.BeginTransactionAsync(Ct);
        foreach (var way in without.Select(w => $"SET LOCAL {w} = off").Append("SET LOCAL hnsw.iterative_scan = relaxed_order"))
        {
            await using var setting = SqlText.Command(way, connection);
            await setting.ExecuteNonQueryAsync(Ct);
        }

        await using var explain = SqlText.Command("EXPLAIN " + search.CommandText, connection);
        foreach (var parameter in search.Parameters.Cast<NpgsqlParameter>().ToList())
        {
            explain.Parameters.Add(parameter.Clone());
        }

        var lines = new List<string>();
        await using var row = await explain.ExecuteReaderAsync(Ct);
        while (await row.ReadAsync(Ct))
        {
            lines.Add(row.GetString(0));
        }

        return lines;
    }

    public Task<SearchResponse> SearchAsync(SearchRequest request) => Host.Search.SearchAsync(request, Ct);

    public Task<SearchResponse> SearchAsync(string query) => SearchAsync(new SearchRequest { Query = query });

    public async Task<IReadOnlyList<Guid>> IdsAsync(SearchRequest request) => [.. (await SearchAsync(request)).Hits.Select(h => h.Id)];

    /// <summary>Sends a body as it is.</summary>
    public async Task<(HttpStatusCode Status, JsonNode Body)> PostAsync(string json, string path = "")
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await Host.Http.PostAsync($"{Resources.Api}/{Resources.SearchRoute}{path}", content, Ct);
        return (response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonNode>(Ct))!);
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await Database.DisposeAsync();
    }
}
