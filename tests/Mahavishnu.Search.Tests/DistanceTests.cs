using Mahavishnu.Contracts;

namespace Mahavishnu.Search.Tests;

/// <summary>A space's distance decides what is near, how near that is said to be, and which index finds it.</summary>
public sealed class DistanceTests(PostgresFixture postgres)
{
    // The same three memories stand in another order for each distance; every number is a sum of powers of two, so halves hold it exactly.
    private static readonly (string Text, float[] Vector)[] Memories =
    [
        ("near apple", [0.5f, 0, 0]),
        ("aside apple", [1, 1.5f, 0]),
        ("far apple", [1.5f, 0.5f, 0]),
    ];

    private static readonly float[] Asked = [1, 0, 0];

    public static TheoryData<string, string[], double[]> Orders => new()
    {
        // 1 - cos: 1, 1.5/√2.5, 1/√3.25
        { "cosine", ["near apple", "far apple", "aside apple"], [1, 0.94868, 0.55470] },
        // Distances 0.5, √0.5, 1.5 as 1 / (1 + d).
        { "l2", ["near apple", "far apple", "aside apple"], [0.66667, 0.58579, 0.4] },
        { "ip", ["far apple", "aside apple", "near apple"], [1.5, 1, 0.5] },
    };

    private static async Task<(SpaceWorld World, Dictionary<Guid, string> Texts)> WorldAsync(PostgresFixture postgres, string distance, Func<TestDatabase, Task>? prepare = null)
    {
        var models = new KnownModels();
        var model = models.Add("m", 3, distance).With("apple?", Asked);
        foreach (var (text, vector) in Memories)
        {
            model.With(text, vector);
        }

        var world = await SpaceWorld.StartAsync(postgres, models, model, prepare: prepare);
        var ids = await world.RememberAsync([.. Memories.Select(m => m.Text)]);
        return (world, ids.Zip(Memories).ToDictionary(m => m.First, m => m.Second.Text));
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public async Task The_nearest_come_first_with_their_similarity(string distance, string[] order, double[] similarities)
    {
        var (world, texts) = await WorldAsync(postgres, distance);
        await using var _ = world;

        var answer = await world.VectorAsync("apple?");
        var hybrid = await world.Search.SearchAsync(new SearchRequest { Query = "apple?", Explain = true });

        Assert.Equal(order, answer.Hits.Select(h => texts[h.Id]));
        Assert.All(similarities.Zip(answer.Hits), p => Assert.Equal(p.First, p.Second.Similarity!.Value, 1e-3));
        Assert.All(answer.Hits, h => Assert.Equal(h.Similarity, h.Score));
        // The words are the same in all three: the vectors decide.
        Assert.Equal(order, hybrid.Hits.Select(h => texts[h.Id]));
        Assert.Equal([1, 2, 3], hybrid.Hits.Select(h => h.Explain!.Vector!.Rank));
        Assert.All(similarities.Zip(hybrid.Hits), p => Assert.Equal(p.First, p.Second.Explain!.Vector!.Similarity, 1e-3));
    }

    [Theory]
    [InlineData("cosine", 0.9, 2)]
    [InlineData("cosine", 0.95, 1)]
    [InlineData("l2", 0.5, 2)]
    [InlineData("l2", 0.6, 1)]
    [InlineData("ip", 1.0, 2)]
    [InlineData("ip", 0.5, 3)]
    [InlineData("ip", -1.0, 3)]
    public async Task A_threshold_is_on_that_similarity(string distance, double threshold, int hits)
    {
        var (world, _) = await WorldAsync(postgres, distance);
        await using var __ = world;

        var answer = await world.Search.SearchAsync(new SearchRequest { Query = "apple?", Mode = SearchModes.Vector, Threshold = threshold });
        var hybrid = await world.Search.SearchAsync(new SearchRequest { Query = "apple?", Threshold = threshold });

        Assert.Equal((hits, hits), (answer.Hits.Count, hybrid.Hits.Count));
    }

    [Theory]
    // From "far" (1.5, 0.5): cosines 0.949 and 0.789, distances √1.25 to both, products 0.75 and 2.25.
    [InlineData("cosine", "near apple", 0.94868)]
    [InlineData("l2", null, 0.47214)]
    [InlineData("ip", "aside apple", 2.25)]
    public async Task More_like_a_memory_is_by_the_same_distance(string distance, string? first, double similarity)
    {
        var (world, texts) = await WorldAsync(postgres, distance);
        await using var _ = world;
        var like = texts.First(t => t.Value == "far apple").Key;

        var answer = await world.Search.SearchAsync(new SearchRequest { Like = like.ToString(), Mode = SearchModes.Vector });

        Assert.Equal(first ?? texts[answer.Hits[0].Id], texts[answer.Hits[0].Id]);
        Assert.Equal(similarity, answer.Hits[0].Similarity!.Value, 1e-3);
        Assert.DoesNotContain(like, answer.Hits.Select(h => h.Id));
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public async Task The_index_of_the_distance_finds_the_same(string distance, string[] order, double[] similarities)
    {
        var (world, texts) = await WorldAsync(postgres, distance, async database =>
        {
            // Three rows need no index; the planner is made to take it.
            var name = await database.ScalarAsync<string>("SELECT current_database()::text");
            foreach (var setting in (string[])["enable_seqscan", "enable_bitmapscan", "enable_sort"])
            {
                await database.ExecuteAsync($"ALTER DATABASE {name} SET {setting} = off");
            }
        });
        await using var _ = world;
        await world.Search.IndexAsync();

        // A session says now and then what it has done: asked again until it has.
        await Eventually.Async(async () =>
        {
            var answer = await world.VectorAsync("apple?");
            Assert.Equal(order, answer.Hits.Select(h => texts[h.Id]));
            Assert.All(similarities.Zip(answer.Hits), p => Assert.Equal(p.First, p.Second.Similarity!.Value, 1e-3));
            return await world.Search.Database.ScalarAsync<long>("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'embedding_1_vector'") > 0;
        }, "A scan of the index");
    }
}
