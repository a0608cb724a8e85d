using System.Globalization;
using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>The model has never been there: nothing is refused and nothing is lost, and once it comes everything gets its vector, exactly once.</summary>
public sealed class DeadFromTheStartTests(PostgresFixture postgres)
{
    private const int Memories = 10_000;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Deployments.Both), MemberType = typeof(Deployments))]
    public async Task Ten_thousand_memories_are_taken_and_all_get_their_vector_once_the_model_is_there_whoever_is_killed(string deployment)
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync(poolSize: 3);
        using var roots = new Folder();
        await using var ollama = await Ollama.DeadAsync(StandInModel.AllMiniLm);
        await using var system = Deployments.Make(deployment, database.ConnectionString, roots, Ollama.Settings(ollama, StandInModel.AllMiniLm));
        await system.StartAsync();

        var stored = await system.Memories.AddBatchAsync([.. Enumerable.Range(0, Memories).Select(Remark)], ct: Ct);

        Assert.Equal(new BatchCounts(Memories, 0, 0, 0), stored.Counts);
        Assert.Equal(EmbeddingStates.Pending, (await system.Memories.GetAsync(stored.Results[4_711].Id!.Value, Ct)).Embedding);
        await WordsFindAsync(system, stored.Results[4_711].Id!.Value);
        await HealthSaysSoAsync(system, ollama);

        await ollama.StartAsync();
        // Half-way, so that the kill meets work under way: no answer comes until it is dead.
        await Eventually.Async(async () => (await system.Admin.EmbeddingsAsync(Ct)).Spaces is [{ Vectors: > 2_000 }], "Vectors without a restart", TimeSpan.FromMinutes(1));
        ollama.Behaviour.Hold();
        await Eventually.Async(() => Task.FromResult(ollama.Record.Now > 0), "A call under way");
        await system.KillAsync();
        ollama.Behaviour.Release();
        await system.RestartAsync();
        await Eventually.Async(async () => await database.ScalarAsync<long>("SELECT count(*) FROM embedding_queue") == 0, "The embedding of all memories", TimeSpan.FromMinutes(2));

        await HasEachOnceAsync(system, database);
        await MeaningFindsAsync(system, stored.Results[4_711].Id!.Value);
    }

    private static async Task WordsFindAsync(MahavishnuSystem system, Guid id)
    {
        var answer = await system.Search.SearchAsync(new SearchRequest { Query = "delivery number4711" }, Ct);

        Assert.Equal(id, answer.Hits[0].Id);
        Assert.Null(answer.Hits[0].Similarity);
        Assert.Equal([ErrorCodes.Degraded.EmbeddingUnavailable], answer.Degraded);
    }

    private static async Task MeaningFindsAsync(MahavishnuSystem system, Guid id)
    {
        var answer = await Eventually.Async(
            () => system.Search.SearchAsync(new SearchRequest { Query = "delivery number4711", Mode = SearchModes.Vector }, Ct), a => a.Degraded is [] or [ErrorCodes.Degraded.IndexBuilding], "A search by meaning");

        Assert.Equal(id, answer.Hits[0].Id);
        Assert.Equal(StandInModel.AllMiniLm.Name, answer.Model);
        Assert.Equal(EmbeddingStates.Ready, (await system.Memories.GetAsync(id, Ct)).Embedding);
    }

    private static async Task HealthSaysSoAsync(MahavishnuSystem system, OllamaServer ollama)
    {
        var health = await Eventually.Async(() => Ollama.HealthAsync(system), h => h.Status == "degraded", "Health that has noticed");
        var status = await Eventually.Async(() => system.Admin.EmbeddingsAsync(Ct), s => s.Provider?.State == EmbeddingProviderStates.Away, "A status that has noticed");

        Assert.Contains(health.Components, c => c.Status == "degraded" && c.Message?.Contains(ollama.Url, StringComparison.Ordinal) == true);
        Assert.DoesNotContain(health.Components, c => c.Status == "unhealthy");
        Assert.Contains(ollama.Url, status.Provider!.Message, StringComparison.Ordinal);
        Assert.Equal(Memories, status.Queue.Pending + status.Queue.Running);
        // What to do about it: one command, the same in both places.
        Assert.NotNull(status.Provider.Hint);
        Assert.Contains(health.Components, c => c.Metadata?.GetValueOrDefault("hint")?.ToString() == status.Provider.Hint);
    }

    /// <summary>One row a memory, none without, none of a memory that is not there.</summary>
    private static async Task HasEachOnceAsync(MahavishnuSystem system, TestDatabase database)
    {
        var status = await system.Admin.EmbeddingsAsync(Ct);
        var vectors = Ollama.Table(Assert.Single(status.Spaces).Id);
        var counts = Assert.Single(await database.RowsAsync($"""
            SELECT (SELECT count(*) FROM memories), (SELECT count(*) FROM {vectors}), (SELECT count(DISTINCT memory_id) FROM {vectors}),
                   (SELECT count(*) FROM memories m JOIN {vectors} v ON v.memory_id = m.id)
            """));
        Assert.All(counts, count => Assert.Equal((long)Memories, count));
    }

    private static NewMemory Remark(int i) => new()
    {
        Content = string.Create(CultureInfo.InvariantCulture, $"Delivery number{i} of day {i % 365} waits at gate {i % 40}; the driver asks for the papers of pallet {i * 7919L % 10_007}."),
    };
}
