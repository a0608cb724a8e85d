using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest.Tests;

/// <summary>POST /embeddings/{id}:compare: the same questions asked of two spaces, each with its own model.</summary>
public sealed class ComparingTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Twelve memories in a row, which stands the other way round in the new space.</summary>
    private static async Task<Guid[]> RowAsync(ComparingWorld world, string? projectId = null)
    {
        var ids = new Guid[12];
        for (var i = 0; i < ids.Length; i++)
        {
            ids[i] = await world.RememberAsync(i < 3 ? $"zebra {i}" : $"horse {i}", i + 1, 12 - i, projectId);
        }

        return ids;
    }

    [Fact]
    public async Task Pinned_questions_say_which_space_finds_better()
    {
        await using var world = await ComparingWorld.StartAsync(postgres);
        var ids = await RowAsync(world);
        // From the beginning of the row the first memory is first before and twelfth after; from its end the sixth is seventh and sixth.
        await world.PinAsync(world.Ask("first?", 0, 0), ids[0]);
        await world.PinAsync(world.Ask("sixth?", 13, 13), ids[5]);

        var result = await world.CompareAsync();

        Assert.Equal(("pinned", 2, (int)world.Old.Id, (int)world.New.Id), (result.Basis, result.Queries, result.Baseline.SpaceId, result.Candidate.SpaceId));
        Assert.Equal((1.0, 0.5), (result.Baseline.RecallAt10!.Value, result.Candidate.RecallAt10!.Value));
        Assert.Equal((1 + 1 / 7.0) / 2, result.Baseline.Mrr!.Value, 1e-9);
        Assert.Equal((1 / 12.0 + 1 / 6.0) / 2, result.Candidate.Mrr!.Value, 1e-9);
        // Ten of twelve from one end, ten from the other: eight are in both.
        Assert.Equal(0.8, result.OverlapAt10!.Value, 1e-9);
        Assert.Equal([("first?", ids[0], 1, 12, 8), ("sixth?", ids[5], 7, 6, 8)], result.Changes.Select(c => (c.Query, c.MemoryId!.Value, c.BaselineRank!.Value, c.CandidateRank!.Value, c.Overlap)));
        Assert.True(result.Worse);
        Assert.Null(result.Baseline.IndexRecallAt10);
        Assert.Contains("2 pinned questions decide", result.Note, StringComparison.Ordinal);

        // The other way round it is the better one.
        var back = await world.Host.Admin.CompareSpacesAsync(world.Old.Id, new CompareSpacesRequest { With = world.New.Id }, Ct);
        Assert.Equal((false, 0.5, 1.0), (back.Worse, back.Baseline.RecallAt10!.Value, back.Candidate.RecallAt10!.Value));
    }

    [Fact]
    public async Task Questions_really_asked_count_for_the_overlap_beside_pinned_ones_and_only_so_many_are_asked()
    {
        await using var world = await ComparingWorld.StartAsync(postgres);
        var ids = await RowAsync(world);
        await world.PinAsync(world.Ask("first?", 0, 13), ids[0]);
        await world.SampleAsync("first?");
        await world.SampleAsync(world.Ask("another?", 0, 0));

        var result = await world.CompareAsync();
        var one = await world.CompareAsync(queries: 1);

        Assert.Equal(("pinned", 2, false), (result.Basis, result.Queries, result.Worse));
        Assert.Equal((1.0, 0.9), (result.Candidate.RecallAt10!.Value, result.OverlapAt10!.Value));
        Assert.Equal(["another?", "first?"], result.Changes.Select(c => c.Query).Order(StringComparer.Ordinal));
        Assert.Equal((1, 1.0), (one.Queries, one.OverlapAt10!.Value));
    }

    [Fact]
    public async Task With_nothing_pinned_what_the_words_find_stands_for_the_right_answer_and_that_is_said()
    {
        await using var world = await ComparingWorld.StartAsync(postgres);
        var ids = await RowAsync(world);
        await world.RememberAsync("zebra elsewhere", 0.5f, 0.5f, projectId: "p");
        // The three zebras come first in the old space and last in the new one.
        await world.SampleAsync(world.Ask("zebra?", 0, 0.25f));
        await world.Host.Get<MemoryWriteStore>().DeleteAsync(ids[11], null, Ct);
        await world.Database.ExecuteAsync("DELETE FROM memories WHERE project_id = 'p'");

        var result = await world.CompareAsync();

        Assert.Equal(("sampled", 1), (result.Basis, result.Queries));
        Assert.Equal(1, result.Baseline.RecallAt10);
        // Without the twelfth memory, which stood first after: the ten are at 2 to 11, and hold the second and the third zebra.
        Assert.Equal(2 / 3.0, result.Candidate.RecallAt10!.Value, 1e-9);
        Assert.Equal(1 / 9.0, result.Candidate.Mrr!.Value, 1e-9);
        Assert.True(result.Worse);
        Assert.Contains("Nothing is pinned", result.Note, StringComparison.Ordinal);
        var change = Assert.Single(result.Changes);
        Assert.Equal((null, 1, 9), (change.MemoryId, change.BaselineRank, change.CandidateRank));
    }

    [Fact]
    public async Task With_no_question_at_all_there_is_nothing_to_compare_by()
    {
        await using var world = await ComparingWorld.StartAsync(postgres, fill: false);
        await RowAsync(world);

        var result = await world.CompareAsync();

        Assert.Equal(("none", 0, null, null, false), (result.Basis, result.Queries, result.OverlapAt10, result.Candidate.RecallAt10, result.Worse));
        Assert.Contains("is not filled yet", result.Note, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_scope_holds_and_what_nobody_finds_any_more_is_not_found_here_either()
    {
        await using var world = await ComparingWorld.StartAsync(postgres);
        var others = await RowAsync(world);
        var mine = await world.RememberAsync("mine", 50, 60, "p");
        var expired = await world.RememberAsync("expired", 0, 0, "p");
        var superseded = await world.RememberAsync("superseded", 0, 0, "p");
        await world.Database.ExecuteAsync("UPDATE memories SET expires_at = now() - interval '1 s' WHERE id = $1", expired);
        await world.Database.ExecuteAsync("UPDATE memories SET superseded_by = $1 WHERE id = $2", mine, superseded);
        await world.PinAsync(world.Ask("mine?", 0, 0), mine, "p");
        await world.PinAsync("gone?", superseded);

        var result = await world.CompareAsync();

        Assert.Equal((1, 1, 1), (result.Changes[0].BaselineRank, result.Changes[0].CandidateRank, result.Changes[0].Overlap));
        Assert.Equal((1, 1.0, 1.0), (result.Queries, result.OverlapAt10!.Value, result.Candidate.Mrr!.Value));
        Assert.Contains("1 pinned questions whose memory is gone", result.Note, StringComparison.Ordinal);
        Assert.DoesNotContain(mine, others);
    }

    [Fact]
    public async Task A_memory_of_many_parts_is_one_and_hides_none_behind_it()
    {
        await using var world = await ComparingWorld.StartAsync(postgres);
        float[] parts = [.. Enumerable.Range(0, 1_500).Select(i => i / 1_500f)];
        await world.RememberAsync("long", parts, parts);
        var behind = await world.RememberAsync("behind", 2, 2);
        await world.PinAsync(world.Ask("behind?", 0, 0), behind);

        var result = await world.CompareAsync();

        Assert.Equal((2, 2, 2), (result.Changes[0].BaselineRank, result.Changes[0].CandidateRank, result.Changes[0].Overlap));
    }

    [Fact]
    public async Task Where_there_is_an_index_what_it_finds_is_compared_with_all()
    {
        await using var world = await ComparingWorld.StartAsync(postgres);
        var ids = await RowAsync(world);
        await world.PinAsync(world.Ask("first?", 0, 13), ids[0]);
        await world.Host.Get<VectorIndexStore>().BuildAsync(world.New, VectorIndexSpec.Hnsw, "64MB", ct: Ct);

        var result = await world.CompareAsync();

        Assert.Equal((null, 1.0), (result.Baseline.IndexRecallAt10, result.Candidate.IndexRecallAt10!.Value));
    }

    [Fact]
    public async Task A_question_that_a_model_can_make_nothing_of_is_left_out_and_that_is_said()
    {
        await using var world = await ComparingWorld.StartAsync(postgres);
        var ids = await RowAsync(world);
        await world.PinAsync(world.Ask("first?", 0, 13), ids[0]);
        await world.PinAsync("unknown to both", ids[1]);
        world.OldModel.With("known to one", 0, 1);
        await world.SampleAsync("known to one");

        var result = await world.CompareAsync();

        Assert.Equal(["first?"], result.Changes.Select(c => c.Query));
        Assert.Contains("2 questions were left out", result.Note, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, "old")]
    [InlineData(false, "new")]
    public async Task A_model_that_is_away_is_named(bool old, string name)
    {
        await using var world = await ComparingWorld.StartAsync(postgres);
        var ids = await RowAsync(world);
        await world.PinAsync(world.Ask("first?", 0, 13), ids[0]);
        (old ? world.OldModel : world.NewModel).Away = true;

        var refused = await Assert.ThrowsAsync<ApiException>(() => world.CompareAsync());

        Assert.Equal((503, ErrorCodes.EmbeddingUnavailable), (refused.Status, refused.Code));
        Assert.Contains($"({name})", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"serve {name}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_wrong_with_the_request_is_named()
    {
        await using var world = await ComparingWorld.StartAsync(postgres);
        async Task<Answer> PostAsync(int id, string body) => await world.Host.Http.PostAsync($"/embeddings/{id}:compare", body);

        Assert.Equal(["queries"], (await PostAsync(world.New.Id, """{"queries":0}""")).Fields);
        Assert.Equal(["queries"], (await PostAsync(world.New.Id, """{"queries":501}""")).Fields);
        Assert.Equal(["queries"], (await PostAsync(world.New.Id, """{"queries":"all"}""")).Fields);
        Assert.Equal(["with"], (await PostAsync(world.New.Id, $$"""{"with":{{world.New.Id}}}""")).Fields);
        Assert.Equal(["limit"], (await PostAsync(world.New.Id, """{"limit":3}""")).Fields);
        var unknown = await PostAsync(world.New.Id, """{"with":99}""");
        Assert.Equal((404, "with"), ((int)unknown.Status, Assert.Single(unknown.Fields)));
        Assert.Equal(404, (int)(await PostAsync(99, "{}")).Status);
        Assert.Equal(404, (int)(await PostAsync(70_000, "{}")).Status);
        var itself = await PostAsync(world.Old.Id, "{}");
        Assert.Equal((409, ErrorCodes.Conflict), ((int)itself.Status, itself.Code));
        await world.Database.ExecuteAsync("UPDATE embedding_spaces SET state = 'retired' WHERE state = 'active'");
        Assert.Equal(409, (int)(await world.Host.Http.AskAsync(HttpMethod.Post, $"/embeddings/{world.New.Id}:compare")).Status);
    }
}
