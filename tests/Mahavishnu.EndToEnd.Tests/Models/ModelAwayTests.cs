using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>The model goes away and comes back; another one is never taken for it.</summary>
public sealed class ModelAwayTests(PostgresFixture postgres)
{
    private const string Remark = "The tanpura is tuned before the concert.";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Deployments.Both), MemberType = typeof(Deployments))]
    public async Task While_it_is_away_words_find_and_everyone_says_so_and_when_it_is_back_so_is_meaning(string deployment)
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync(poolSize: 2);
        using var roots = new Folder();
        await using var ollama = await OllamaServer.StartNewAsync(StandInModel.AllMiniLm);
        await using var system = Deployments.Make(deployment, database.ConnectionString, roots, Ollama.Settings(ollama, StandInModel.AllMiniLm));
        await system.StartAsync();
        var stored = await system.Memories.AddAsync(new NewMemory { Content = Remark }, Ct);
        await EmbeddedAsync(system, stored.Id);
        Assert.Empty((await AskAsync(system, "when is the tanpura tuned")).Degraded);

        await ollama.StopAsync();
        var words = await AskAsync(system, "who has tuned the tanpura");
        var later = await system.Memories.AddAsync(new NewMemory { Content = "The mridangam is tuned with a stone." }, Ct);
        var health = await Eventually.Async(() => Ollama.HealthAsync(system), h => h.Status == "degraded", "Health that has noticed");
        var status = await Eventually.Async(() => system.Admin.EmbeddingsAsync(Ct), s => s.Provider?.State == EmbeddingProviderStates.Away, "A status that has noticed");
        await ollama.StartAsync();

        Assert.Equal(stored.Id, Assert.Single(words.Hits).Id);
        Assert.Equal((StandInModel.AllMiniLm.Name, (double?)null), (words.Model, words.Hits[0].Similarity));
        Assert.Equal([ErrorCodes.Degraded.EmbeddingUnavailable], words.Degraded);
        Assert.Equal((EmbeddingStates.Pending, StandInModel.AllMiniLm.Name), (later.Embedding, status.Provider!.Model));
        Assert.NotNull(status.Provider.Hint);
        Assert.Contains(health.Components, c => c.Status == "degraded" && c.Message?.Contains(ollama.Url, StringComparison.Ordinal) == true);
        await EmbeddedAsync(system, later.Id);
        var asked = 0;
        var meaning = await Eventually.Async(() => AskAsync(system, $"what is tuned before concert {++asked}"), a => a.Degraded.Count == 0, "Meaning again");
        Assert.Equal((stored.Id, StandInModel.AllMiniLm.Name), (meaning.Hits[0].Id, meaning.Model));
        await Eventually.Async(() => Ollama.HealthAsync(system), h => h.Status == "healthy", "Health again");
        Assert.Single((await system.Admin.EmbeddingsAsync(Ct)).Spaces);
    }

    private static Task<SearchResponse> AskAsync(MahavishnuSystem system, string question) => system.Search.SearchAsync(new SearchRequest { Query = question }, Ct);

    private static Task<Memory> EmbeddedAsync(MahavishnuSystem system, Guid id) =>
        Eventually.Async(() => system.Memories.GetAsync(id, Ct), m => m.Embedding == EmbeddingStates.Ready, "The embedding", TimeSpan.FromMinutes(1));
}
