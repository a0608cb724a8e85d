using Mahavishnu.Contracts;
using Npgsql;

namespace Mahavishnu.Storage.Tests;

/// <summary>Whoever builds an index of a space, clears up after a build or drops the space takes turns with all others, of whatever process: PostgreSQL would end one of two as a deadlock.</summary>
public sealed class VectorIndexLockTests(PostgresFixture postgres)
{
    private static readonly VectorIndexSpec Ivfflat = new(VectorIndexKinds.Ivfflat, 500);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_builds_of_different_kinds_at_once_are_both_done_one_after_the_other()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await using var other = Other(stores);
        await VectorIndexTests.FillAsync(stores, space, 300);
        var held = await VectorIndexTests.HoldAsync(stores, space);
        var first = stores.Index.BuildAsync(space, VectorIndexSpec.Hnsw, "64MB", ct: Ct);
        await VectorIndexTests.WaitingAsync(stores, space);
        using var time = new VectorIndexTests.HeldTime();
        var second = new VectorIndexStore(other, time).BuildAsync(space, Ivfflat, "64MB", wanted: true, ct: Ct);
        await WaitingForTurnAsync(stores);

        await held.DisposeAsync();
        Assert.Equal(VectorIndexKinds.Hnsw, (await first).Kind);
        // It takes the place of the first one, as it finds it: not of none, as the space was when it was asked for.
        await time.PassAsync();
        Assert.Equal(VectorIndexKinds.Ivfflat, (await second).Kind);

        var now = (await stores.Spaces.FindActiveAsync(Ct))!;
        Assert.Equal(("ready", VectorIndexKinds.Ivfflat, Ivfflat), (now.IndexState, now.BuiltIndex!.Kind, now.WantedIndex));
        Assert.True((await stores.Index.LookAsync(now, Ct)) is { Serves: true, Leftovers: false });
        Assert.False(await stores.Index.IsAtWorkAsync(space, Ct));
    }

    [Fact]
    public async Task Clearing_up_leaves_a_build_under_way_alone()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await using var other = Other(stores);
        await VectorIndexTests.FillAsync(stores, space, 300);
        var held = await VectorIndexTests.HoldAsync(stores, space);
        var build = stores.Index.BuildAsync(space, VectorIndexSpec.Hnsw, "64MB", ct: Ct);
        await VectorIndexTests.WaitingAsync(stores, space);
        Assert.True(await stores.Index.IsAtWorkAsync(space, Ct));
        var clear = new VectorIndexStore(other).ClearAsync(space, Ct);
        await WaitingForTurnAsync(stores);

        await held.DisposeAsync();
        await build;
        await clear;

        Assert.True((await stores.Index.LookAsync(space, Ct)) is { Serves: true, Leftovers: false });
    }

    [Fact]
    public async Task A_space_is_dropped_once_the_build_of_its_index_is_through()
    {
        var (stores, _) = await Stores.CreateWithSpaceAsync(postgres);
        await using var __ = stores;
        await using var other = Other(stores);
        var (space, ___) = await stores.Spaces.AddAsync(Stores.Model with { Model = "other", Digest = "2" }, Ct);
        await VectorIndexTests.FillAsync(stores, space, 300);
        var held = await VectorIndexTests.HoldAsync(stores, space);
        var build = stores.Index.BuildAsync(space, VectorIndexSpec.Hnsw, "64MB", ct: Ct);
        await VectorIndexTests.WaitingAsync(stores, space);
        var drop = new EmbeddingSpaceStore(other).DropAsync(space.Id, Ct);
        await WaitingForTurnAsync(stores);

        await held.DisposeAsync();

        Assert.Equal(300, (await build).Rows);
        Assert.Equal(SpaceDrop.Dropped, await drop);
        Assert.Null(await stores.Spaces.FindAsync(space.Id, Ct));
        Assert.False(await stores.Database.ScalarAsync<bool>($"SELECT to_regclass('{space.Table}') IS NOT NULL"));
    }

    [Fact]
    public async Task Who_waits_can_be_cancelled_and_holds_nothing_then()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await using var other = Other(stores);
        await VectorIndexTests.FillAsync(stores, space, 100);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await using (await VectorIndexLockStore.TakeAsync(stores.Database.DataSource, space, Ct))
        {
            var build = new VectorIndexStore(other).BuildAsync(space, VectorIndexSpec.Hnsw, "64MB", ct: cancel.Token);
            await WaitingForTurnAsync(stores);
            await cancel.CancelAsync();

            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => build);
            Assert.Equal("none", (await stores.Spaces.FindActiveAsync(Ct))!.IndexState);
        }

        Assert.False(await stores.Index.IsAtWorkAsync(space, Ct));
        await stores.Index.BuildAsync(space, VectorIndexSpec.Hnsw, "64MB", ct: Ct);
    }

    [Fact]
    public async Task What_one_holds_of_a_space_holds_up_nobody_at_another()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        var (other, __) = await stores.Spaces.AddAsync(Stores.Model with { Model = "other", Digest = "2" }, Ct);
        await VectorIndexTests.FillAsync(stores, other, 100);
        await using var held = await VectorIndexLockStore.TakeAsync(stores.Database.DataSource, space, Ct);

        Assert.Equal(100, (await stores.Index.BuildAsync(other, VectorIndexSpec.Hnsw, "64MB", ct: Ct)).Rows);
        Assert.Equal((true, false), (await stores.Index.IsAtWorkAsync(space, Ct), await stores.Index.IsAtWorkAsync(other, Ct)));
    }

    [Fact]
    public async Task A_session_that_breaks_in_the_middle_of_a_build_takes_its_turn_with_it()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await VectorIndexTests.FillAsync(stores, space, 100);
        await using (var held = await VectorIndexTests.HoldAsync(stores, space))
        {
            var build = stores.Index.BuildAsync(space, VectorIndexSpec.Hnsw, "64MB", ct: Ct);
            await VectorIndexTests.WaitingAsync(stores, space);
            await stores.Database.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index WHERE datname = current_database()");
            await Assert.ThrowsAnyAsync<NpgsqlException>(() => build);
        }

        await Eventually.Async(async () => !await stores.Index.IsAtWorkAsync(space, Ct), "The lock's end");
        await stores.Index.BuildAsync(space, VectorIndexSpec.Hnsw, "64MB", ct: Ct);
        Assert.True((await stores.Index.LookAsync(space, Ct)) is { Serves: true, Leftovers: false });
    }

    /// <summary>Connections of another process, as PostgreSQL sees it.</summary>
    private static NpgsqlDataSource Other(Stores stores) =>
        StorageModule.OpenDataSource(new NpgsqlConnectionStringBuilder(stores.Database.ConnectionString) { ApplicationName = "other" }.ConnectionString);

    /// <summary>Until the other process has been refused the lock, or waits for one of PostgreSQL's own, as nobody should.</summary>
    private static Task WaitingForTurnAsync(Stores stores) => Eventually.Async(
        () => stores.Database.ScalarAsync<bool>("""
            SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'other'
                AND (state = 'idle' AND query LIKE '%pg_try_advisory_lock%' OR wait_event_type = 'Lock'))
            """),
        "Waiting for a turn");
}
