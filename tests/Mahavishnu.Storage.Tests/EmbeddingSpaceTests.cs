namespace Mahavishnu.Storage.Tests;

/// <summary>Embedding spaces: one active, nothing written beside it is forgotten, and its index is used.</summary>
public sealed class EmbeddingSpaceTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_first_model_makes_the_space_and_a_later_one_gets_that()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        Assert.Null(await stores.Spaces.FindActiveAsync(Ct));

        var first = await stores.Spaces.EnsureActiveAsync(Stores.Model, Ct);
        var second = await stores.Spaces.EnsureActiveAsync(Stores.Model with { Model = "other", Dimensions = 8 }, Ct);

        Assert.Equal(first, second);
        Assert.Equal(first, await stores.Spaces.FindActiveAsync(Ct));
        Assert.Equal(first, Assert.Single(await stores.Spaces.ListAsync(Ct)));
        Assert.Equal(("test", "1", 4, "cosine", "none", "active", "none"), (first.Model, first.Digest, first.Dimensions, first.Distance, first.PrefixProfile, first.State, first.IndexState));
    }

    [Fact]
    public async Task Processes_that_start_together_make_one_space()
    {
        await using var stores = await Stores.CreateAsync(postgres);

        var spaces = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => stores.Spaces.EnsureActiveAsync(Stores.Model with { Digest = $"{i}" }, Ct)));

        Assert.Single(spaces.Select(s => s.Identity).Distinct());
    }

    [Fact]
    public async Task What_was_written_before_the_space_is_queued_for_it_without_what_is_deleted()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var written = await stores.WriteAsync(Stores.Draft("one"), Stores.Draft("two"), Stores.Draft("gone"));
        await stores.Memories.DeleteAsync(written[2].Id, null, Ct);

        var space = await stores.Spaces.EnsureActiveAsync(Stores.Model, Ct);

        var claim = await stores.Queue.ClaimAsync(space, 10, long.MaxValue, TimeSpan.FromMinutes(1), Ct);
        Assert.Equal(written.Take(2).Select(w => w.Id).Order(), claim.Jobs.Select(j => j.MemoryId).Order());
    }

    [Fact]
    public async Task What_is_written_while_the_space_is_made_is_queued_too()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var writers = Enumerable.Range(0, 6).Select(async writer =>
        {
            for (var i = 0; i < 20; i++)
            {
                await stores.WriteAsync(Stores.Draft($"{writer} {i}"));
            }
        }).ToList();

        await Eventually.Async(async () => await stores.CountAsync("memories") > 10, "The first writes");
        await stores.Spaces.EnsureActiveAsync(Stores.Model, Ct);
        await Task.WhenAll(writers);

        Assert.Equal((120, 120), (await stores.CountAsync("memories"), await stores.CountAsync("embedding_queue")));
    }

    [Theory]
    [InlineData("cosine", "<=>", 0.0, 1.0)]
    [InlineData("l2", "<->", 0.0, 1.0)]
    [InlineData("ip", "<#>", -4.0, 4.0)]
    public async Task The_distance_of_a_space_decides_operator_index_and_similarity(string distance, string @operator, double nearest, double similarity)
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var space = await stores.Spaces.EnsureActiveAsync(Stores.Model with { Distance = distance }, Ct);
        await FillAsync(stores, space, 200);

        await stores.Index.BuildAsync(space, VectorIndexSpec.Hnsw, "64MB", ct: Ct);

        Assert.Equal(@operator, space.Operator);
        var plan = await IndexPlanTests.ExplainAsync(stores, $"SELECT memory_id FROM {space.Table} ORDER BY embedding {space.Operator} '[2,0,0,0]' LIMIT 5", "enable_seqscan");
        Assert.Contains($"Index Scan using {space.Index}", plan, StringComparison.Ordinal);
        Assert.Equal(nearest, await stores.Database.ScalarAsync<double>($"SELECT '[2,0,0,0]'::halfvec {space.Operator} '[2,0,0,0]'::halfvec"));
        Assert.Equal(similarity, await stores.Database.ScalarAsync<double>($"SELECT {space.Similarity($"'[2,0,0,0]'::halfvec {space.Operator} '[2,0,0,0]'::halfvec")}"));
    }

    [Fact]
    public async Task An_index_is_built_beside_writes_reports_and_can_be_dropped_and_built_again()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await FillAsync(stores, space, 2_000);
        Assert.Equal(2_000, await stores.Index.EstimateRowsAsync(space, Ct));

        await stores.Index.BuildAsync(space, VectorIndexSpec.Hnsw, "64MB", ct: Ct);
        await stores.Index.BuildAsync(space, VectorIndexSpec.Hnsw, "64MB", ct: Ct);
        Assert.Equal("ready", (await stores.Spaces.FindActiveAsync(Ct))!.IndexState);

        await stores.Index.DropAsync(space, wanted: null, Ct);
        Assert.Equal("none", (await stores.Spaces.FindActiveAsync(Ct))!.IndexState);
        Assert.False(await stores.Database.ScalarAsync<bool>("SELECT to_regclass($1) IS NOT NULL", space.Index));
    }

    [Fact]
    public async Task A_build_that_fails_leaves_the_space_searched_exactly()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;

        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => stores.Index.BuildAsync(space, VectorIndexSpec.Hnsw, "a lot", ct: Ct));

        Assert.Equal("none", (await stores.Spaces.FindActiveAsync(Ct))!.IndexState);
    }

    private static Task FillAsync(Stores stores, EmbeddingSpace space, int rows) => stores.Database.ExecuteAsync($"""
        INSERT INTO {space.Table} (tenant_id, memory_id, part, embedding, memory_type, source_system, occurred_at)
        SELECT 'default', gen_random_uuid(), 0, ARRAY[1 + random(), random(), random(), random()]::real[]::vector::halfvec, 'agent', 's', now() FROM generate_series(1, $1)
        """, rows);
}
