using Mahavishnu.Contracts;

namespace Mahavishnu.Search.Tests;

/// <summary>What a search finds.</summary>
public sealed class SearchTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Each_mode_finds_what_it_can()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var words = await world.RememberAsync("The cache is invalidated whenever the configuration changes.");
        await world.RememberAsync("Bread is baked in the morning.");

        foreach (var mode in SearchModes.All)
        {
            var answer = await world.SearchAsync(new SearchRequest { Query = "why was the cache invalidated?", Mode = mode });

            Assert.Equal(words, answer.Hits[0].Id);
            Assert.Equal(mode, answer.Mode);
            Assert.Empty(answer.Degraded);
            Assert.Equal("builtin-hash-v1", answer.Model);
            Assert.Equal(mode != SearchModes.Text, answer.Hits[0].Similarity is not null);
        }
    }
}
