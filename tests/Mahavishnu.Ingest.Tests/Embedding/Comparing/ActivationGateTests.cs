using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest.Tests;

/// <summary>POST /embeddings/{id}:activate: a space that finds worse is not let through unasked.</summary>
public sealed class ActivationGateTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <param name="young">Where the question stands in the new space: at 0 it finds its memory first, at 100 last.</param>
    private static async Task<ComparingWorld> WorldAsync(PostgresFixture postgres, float young)
    {
        var world = await ComparingWorld.StartAsync(postgres);
        var first = await world.RememberAsync("first", 0, 0);
        for (var i = 1; i < 12; i++)
        {
            await world.RememberAsync($"memory {i}", i, i);
        }

        await world.PinAsync(world.Ask("first?", 0, young), first);
        return world;
    }

    [Fact]
    public async Task A_worse_space_is_refused_with_the_reason_unless_forced_and_the_way_back_is_open()
    {
        await using var world = await WorldAsync(postgres, young: 100);

        var refused = await Assert.ThrowsAsync<ApiException>(() => world.Host.Admin.ActivateSpaceAsync(world.New.Id, ct: Ct));
        Assert.Equal((409, ErrorCodes.Conflict), (refused.Status, refused.Code));
        Assert.Contains("recall@10 0.00 after 1.00", refused.Message, StringComparison.Ordinal);
        Assert.Contains("force", refused.Message, StringComparison.Ordinal);
        Assert.Equal(world.Old.Id, Assert.Single((await world.Host.Admin.EmbeddingsAsync(Ct)).Spaces, s => s.State == EmbeddingSpaceStates.Active).Id);

        var forced = await world.Host.Admin.ActivateSpaceAsync(world.New.Id, force: true, Ct);
        Assert.Equal((world.New.Id, (int?)world.Old.Id, null), (forced.SpaceId, forced.PreviousId, forced.Comparison));

        // It has served before: nothing is asked, and no model needed.
        (world.OldModel.Away, world.NewModel.Away) = (true, true);
        var back = await world.Host.Admin.ActivateSpaceAsync(world.Old.Id, ct: Ct);
        Assert.Equal((world.Old.Id, (int?)world.New.Id), (back.SpaceId, back.PreviousId));
    }

    [Fact]
    public async Task A_space_that_finds_as_well_is_let_through_with_what_that_rests_on()
    {
        await using var world = await WorldAsync(postgres, young: 0);

        var done = await world.Host.Admin.ActivateSpaceAsync(world.New.Id, ct: Ct);

        Assert.Equal((world.New.Id, (int?)world.Old.Id), (done.SpaceId, done.PreviousId));
        Assert.Equal(("pinned", false, 1.0), (done.Comparison!.Basis, done.Comparison.Worse, done.Comparison.Candidate.RecallAt10!.Value));
    }

    [Fact]
    public async Task Where_the_active_model_is_gone_for_good_nothing_is_worse()
    {
        await using var world = await WorldAsync(postgres, young: 100);
        world.OldModel.Away = true;
        var away = await Assert.ThrowsAsync<ApiException>(() => world.Host.Admin.ActivateSpaceAsync(world.New.Id, ct: Ct));
        Assert.Equal((503, ErrorCodes.EmbeddingUnavailable), (away.Status, away.Code));

        // Another model under the name: the stored vectors can never be asked again.
        world.Models.Add("old", 2, "l2", digest: "2").With("first?", 0, 1);
        world.OldModel.Away = false;
        var done = await world.Host.Admin.ActivateSpaceAsync(world.New.Id, ct: Ct);

        Assert.Equal((world.New.Id, null), (done.SpaceId, done.Comparison));
    }
}
