using Mahavishnu.Contracts;

namespace Mahavishnu.Storage.Tests;

/// <summary>Spaces that come, are filled, take over and go, while the store is written to.</summary>
public sealed class EmbeddingSpaceLifeTests(PostgresFixture postgres)
{
    private static readonly EmbeddingModel Other = Stores.Model with { Model = "other", Digest = "2" };
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_space_that_is_added_takes_the_writes_from_then_on_and_the_old_one_stays_active()
    {
        var (stores, first) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await stores.WriteAsync(Stores.Draft("before"));

        var (added, created) = await stores.Spaces.AddAsync(Other, Ct);
        var (again, createdAgain) = await stores.Spaces.AddAsync(Other, Ct);
        await stores.WriteAsync(Stores.Draft("after"));

        Assert.Equal((true, false, EmbeddingSpaceStates.Building), (created, createdAgain, added.State));
        Assert.Equal(added, again);
        Assert.Equal(first, await stores.Spaces.FindActiveAsync(Ct));
        Assert.Equal([added], (await stores.Spaces.ListAsync(Ct)).Where(s => s.Id != first.Id));
        Assert.Equal((2, 1), (await PendingAsync(stores, first), await PendingAsync(stores, added)));
    }

    [Fact]
    public async Task A_fill_queues_each_memory_once_page_by_page_and_leaves_out_what_is_deleted_or_there()
    {
        var (stores, _) = await Stores.CreateWithSpaceAsync(postgres);
        await using var __ = stores;
        var written = (await stores.WriteAsync([.. Enumerable.Range(0, 25).Select(i => Stores.Draft($"text {i}"))])).Select(w => w.Id).ToList();
        var (space, _) = await stores.Spaces.AddAsync(Other, Ct);
        await stores.Memories.DeleteAsync(written[3], null, Ct);
        await stores.Memories.UpdateAsync(written[5], null, m => Stores.Draft("new", m.Id), Ct);
        await EmbedAsync(stores, space);
        Assert.Equal(1, await stores.CountAsync(space.Table));

        var (cursor, passed, total) = (await stores.Fill.BeginAsync(space, Ct))!.Value;
        Assert.Equal((null, 0, 25), (cursor, passed, total));
        var pages = new List<FillPage>();
        for (FillPage? page; (page = await stores.Fill.QueueNextAsync(space, cursor, 10, Ct))!.Read > 0; cursor = page.Cursor)
        {
            pages.Add(page);
        }

        Assert.Equal([10, 10, 5], pages.Select(p => p.Read));
        Assert.Equal(23, pages.Sum(p => p.Queued));
        Assert.Equal(written.Where((_, i) => i is not (3 or 5)).Order(), (await ClaimAsync(stores, space)).Jobs.Select(j => j.MemoryId).Order());
    }

    [Fact]
    public async Task A_fill_goes_on_where_it_was_and_is_finished_when_what_it_queued_is_embedded()
    {
        var (stores, _) = await Stores.CreateWithSpaceAsync(postgres);
        await using var __ = stores;
        await stores.WriteAsync([.. Enumerable.Range(0, 12).Select(i => Stores.Draft($"text {i}"))]);
        var (space, _) = await stores.Spaces.AddAsync(Other, Ct);
        var page = (await stores.Fill.QueueNextAsync(space, null, 5, Ct))!;

        // Another process: nothing but the row knows how far it was.
        var (cursor, passed, _) = (await stores.Fill.BeginAsync((await stores.Spaces.FindAsync(space.Id, Ct))!, Ct))!.Value;
        Assert.Equal((page.Cursor, 5), (cursor, passed));
        Assert.Equal(7, (await stores.Fill.QueueNextAsync(space, cursor, 100, Ct))!.Queued);
        var end = (await stores.Fill.QueueNextAsync(space, (await stores.Spaces.FindAsync(space.Id, Ct))!.FillCursor, 100, Ct))!;
        Assert.Equal(0, end.Read);

        Assert.False(await stores.Fill.FinishAsync(space, end.At, Ct));
        await EmbedAsync(stores, space, except: 1);
        Assert.False(await stores.Fill.FinishAsync(space, end.At, Ct));
        var poison = await ClaimAsync(stores, space);
        await stores.Queue.FailAsync(poison, [new FailedJob(Assert.Single(poison.Jobs).MemoryId, EmbeddingReasons.TextRefused, "no")], 1, Lease, Ct);
        await stores.WriteAsync(Stores.Draft("later: it need not be waited for"));

        Assert.True(await stores.Fill.FinishAsync(space, end.At, Ct));
        Assert.NotNull((await stores.Spaces.FindAsync(space.Id, Ct))!.FilledAt);
        Assert.Equal(1, await stores.Fill.CountFailedAsync(space, Ct));
    }

    [Fact]
    public async Task A_space_filled_before_is_looked_through_again_for_what_is_missing()
    {
        var (stores, _) = await Stores.CreateWithSpaceAsync(postgres);
        await using var __ = stores;
        await stores.WriteAsync(Stores.Draft("one"), Stores.Draft("two"));
        var (space, _) = await stores.Spaces.AddAsync(Other, Ct);
        await FillAsync(stores, space);
        await stores.Database.ExecuteAsync($"DELETE FROM {space.Table} WHERE memory_id = (SELECT id FROM memories WHERE content = 'two')");

        var begun = await stores.Fill.BeginAsync((await stores.Spaces.FindAsync(space.Id, Ct))!, Ct);

        Assert.Null(begun!.Value.Cursor);
        Assert.Equal(1, (await stores.Fill.QueueNextAsync(space, null, 100, Ct))!.Queued);
    }

    [Fact]
    public async Task What_was_deleted_while_it_was_queued_leaves_nothing_behind()
    {
        var (stores, _) = await Stores.CreateWithSpaceAsync(postgres);
        await using var __ = stores;
        var written = await stores.WriteAsync(Stores.Draft("stays"), Stores.Draft("deleted"), Stores.Draft("removed"));
        var (space, _) = await stores.Spaces.AddAsync(Other, Ct);
        await FillAsync(stores, space);
        await stores.Database.ExecuteAsync("UPDATE memories SET deleted_at = now() WHERE id = $1", written[1].Id);
        await stores.Database.ExecuteAsync("DELETE FROM memories WHERE id = $1", written[2].Id);

        await stores.Fill.SweepAsync(space, Ct);

        Assert.Equal(written[0].Id, await stores.Database.ScalarAsync<Guid>($"SELECT memory_id FROM {space.Table}"));
        Assert.Equal((1, 3), (await stores.CountAsync(space.Table), await stores.CountAsync("embedding_queue")));
    }

    [Fact]
    public async Task Activating_takes_over_at_once_and_goes_back_as_easily_with_nothing_missing()
    {
        var (stores, first) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await stores.WriteAsync(Stores.Draft("before"));
        await EmbedAsync(stores, first);
        var (second, _) = await stores.Spaces.AddAsync(Other, Ct);
        await FillAsync(stores, second);

        var forth = (await stores.Spaces.ActivateAsync(second.Id, Ct))!;
        var twice = (await stores.Spaces.ActivateAsync(second.Id, Ct))!;
        await stores.WriteAsync(Stores.Draft("while the second was active"));
        await EmbedAsync(stores, second);
        await EmbedAsync(stores, first);
        var back = (await stores.Spaces.ActivateAsync(first.Id, Ct))!;

        Assert.Equal((second.Id, first.Id, EmbeddingSpaceStates.Active), (forth.Space.Id, forth.PreviousId, forth.Space.State));
        Assert.True(forth.Space.ActivatedAt > first.ActivatedAt);
        Assert.Equal((second.Id, null), (twice.Space.Id, twice.PreviousId));
        Assert.Equal((first.Id, second.Id), (back.Space.Id, back.PreviousId));
        Assert.Equal((2, 2), (await stores.CountAsync(first.Table), await stores.CountAsync(second.Table)));
        Assert.Equal(first.Id, (await stores.Spaces.FindActiveAsync(Ct))!.Id);
        Assert.Null(await stores.Spaces.ActivateAsync(99, Ct));
    }

    [Fact]
    public async Task Of_those_who_activate_at_once_the_last_one_wins()
    {
        var (stores, first) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        var spaces = new List<EmbeddingSpace> { first };
        for (var i = 0; i < 4; i++)
        {
            spaces.Add((await stores.Spaces.AddAsync(Other with { Digest = $"d{i}" }, Ct)).Space);
        }

        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => stores.Spaces.ActivateAsync(spaces[i % spaces.Count].Id, Ct)));

        Assert.Single(await stores.Spaces.ListAsync(Ct), s => s.State == EmbeddingSpaceStates.Active);
    }

    [Fact]
    public async Task A_memory_is_ready_when_the_active_space_has_been_filled_so_far()
    {
        var (stores, first) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        var ids = (await stores.WriteAsync(Stores.Draft("one"), Stores.Draft("two"))).Select(w => w.Id).Order().ToList();
        await EmbedAsync(stores, first);
        var (second, _) = await stores.Spaces.AddAsync(Other, Ct);
        await StatesAsync(EmbeddingStates.Ready, EmbeddingStates.Ready);

        await stores.Spaces.ActivateAsync(second.Id, Ct);
        await StatesAsync(EmbeddingStates.Pending, EmbeddingStates.Pending);
        var page = await stores.Fill.QueueNextAsync(second, null, 1, Ct);
        await StatesAsync(EmbeddingStates.Pending, EmbeddingStates.Pending);
        await EmbedAsync(stores, second);
        await StatesAsync(EmbeddingStates.Ready, EmbeddingStates.Pending);
        await stores.Fill.QueueNextAsync(second, page!.Cursor, 1, Ct);
        await EmbedAsync(stores, second);
        await StatesAsync(EmbeddingStates.Ready, EmbeddingStates.Ready);

        async Task StatesAsync(params string[] states) =>
            Assert.Equal(states, new[] { (await stores.ReadAsync(ids[0]))!.Embedding, (await stores.ReadAsync(ids[1]))!.Embedding });
    }

    [Fact]
    public async Task A_dropped_space_is_gone_with_its_vectors_queue_and_cache_and_the_active_one_is_never_dropped()
    {
        var (stores, first) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await stores.WriteAsync(Stores.Draft("one"), Stores.Draft("two"));
        var (second, _) = await stores.Spaces.AddAsync(Other, Ct);
        await stores.Fill.QueueNextAsync(second, null, 100, Ct);
        await stores.Cache.SaveAsync(second, [new CachedVector(EmbeddingCacheStore.HashOf("x"), new float[] { 1, 0, 0, 0 })], Ct);
        var claim = await ClaimAsync(stores, second);

        Assert.Equal(SpaceDrop.Active, await stores.Spaces.DropAsync(first.Id, Ct));
        Assert.Equal(SpaceDrop.Dropped, await stores.Spaces.DropAsync(second.Id, Ct));
        Assert.Equal(SpaceDrop.Missing, await stores.Spaces.DropAsync(second.Id, Ct));

        Assert.Equal(first, Assert.Single(await stores.Spaces.ListAsync(Ct)));
        Assert.False(await stores.Database.ScalarAsync<bool>("SELECT to_regclass($1) IS NOT NULL", second.Table));
        Assert.Equal((2, 0), (await stores.CountAsync("embedding_queue"), await stores.CountAsync("embedding_cache")));
        // Who still works for it finds out, and meets no error.
        Assert.Equal(0, await stores.Queue.CompleteAsync(claim, [new EmbeddedJob(claim.Jobs[0], [new float[] { 1, 0, 0, 0 }])], Ct));
        await stores.Queue.ReleaseAsync(claim, TimeSpan.Zero, Ct);
        Assert.Null(await stores.Fill.QueueNextAsync(second, null, 100, Ct));
        Assert.Null(await stores.Fill.BeginAsync(second, Ct));
        Assert.Equal(new SpaceSize(0, 0), await stores.Spaces.SizeAsync(second, Ct));
        await stores.Memories.DeleteAsync((await ClaimAsync(stores, first)).Jobs[0].MemoryId, null, Ct);
    }

    [Fact]
    public async Task A_drop_that_was_cut_short_is_ended_by_the_next_one()
    {
        var (stores, _) = await Stores.CreateWithSpaceAsync(postgres);
        await using var __ = stores;
        var (second, _) = await stores.Spaces.AddAsync(Other, Ct);
        await stores.WriteAsync(Stores.Draft("one"));
        await stores.Database.ExecuteAsync("UPDATE embedding_spaces SET state = 'dropping' WHERE id = $1", second.Id);

        await stores.WriteAsync(Stores.Draft("two"));
        Assert.Equal(1, await PendingAsync(stores, second));
        Assert.Null(await stores.Spaces.ActivateAsync(second.Id, Ct));
        Assert.Equal(SpaceDrop.Dropped, await stores.Spaces.DropAsync(second.Id, Ct));

        Assert.Equal(2, await stores.CountAsync("embedding_queue"));
    }

    [Fact]
    public async Task A_writer_that_began_before_a_space_came_is_waited_for_and_waits_for_nobody()
    {
        var (stores, _) = await Stores.CreateWithSpaceAsync(postgres);
        await using var __ = stores;
        await using var connection = await stores.Database.DataSource.OpenConnectionAsync(Ct);
        await using var transaction = await connection.BeginTransactionAsync(Ct);
        await stores.Memories.WriteAsync(transaction, [Stores.Draft("early")], WriteMode.Insert, Ct);

        var (space, _) = await stores.Spaces.AddAsync(Other, Ct);
        var begun = stores.Fill.BeginAsync(space, Ct);
        // While it is waited for, others come and go.
        for (var i = 0; i < 20; i++)
        {
            await stores.WriteAsync(Stores.Draft($"later {i}"));
        }

        Assert.False(begun.IsCompleted);
        Assert.False(await stores.Spaces.WaitForWritersAsync(TimeSpan.Zero, Ct));
        await transaction.CommitAsync(Ct);

        Assert.Equal(21, (await begun)!.Value.Total);
        Assert.Equal(1, (await stores.Fill.QueueNextAsync(space, null, 100, Ct))!.Queued);
    }

    [Fact]
    public async Task Writers_that_never_stop_see_no_failure_while_spaces_come_are_filled_and_go()
    {
        var (stores, first) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var written = 0;
        var writers = Enumerable.Range(0, 5).Select(async writer =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var id = Assert.Single(await stores.WriteAsync(Stores.Draft($"{writer} {i}"))).Id;
                Assert.Equal(ChangeStatus.Changed, (await stores.Memories.UpdateAsync(id, null, m => Stores.Draft($"{writer} {i} again", m.Id), Ct)).Status);
                if (i % 3 == 0)
                {
                    Assert.Equal(ChangeStatus.Changed, (await stores.Memories.DeleteAsync(id, null, Ct)).Status);
                }

                Interlocked.Increment(ref written);
            }
        }).ToList();

        for (var round = 0; round < 3; round++)
        {
            var (space, created) = await stores.Spaces.AddAsync(Other, Ct);
            Assert.True(created);
            await FillAsync(stores, space);
            var seen = Volatile.Read(ref written);
            await Eventually.Async(() => Task.FromResult(Volatile.Read(ref written) > seen + 10 || writers.Any(w => w.IsCompleted)), "Writing that goes on");
            await EmbedAsync(stores, space);
            if (round < 2)
            {
                Assert.Equal(SpaceDrop.Dropped, await stores.Spaces.DropAsync(space.Id, Ct));
            }
        }

        await stop.CancelAsync();
        await Task.WhenAll(writers);
        var last = (await stores.Spaces.ListAsync(Ct)).Single(s => s.Id != first.Id);
        await EmbedAsync(stores, first);
        await EmbedAsync(stores, last);
        // Every memory there, none that is not: in both.
        foreach (var space in (EmbeddingSpace[])[first, last])
        {
            Assert.Equal(0, await stores.Database.ScalarAsync<long>($"""
                SELECT count(*) FROM (SELECT id FROM memories WHERE deleted_at IS NULL) m FULL JOIN {space.Table} e ON e.memory_id = m.id WHERE m.id IS NULL OR e.memory_id IS NULL
                """));
        }
    }

    [Fact]
    public async Task The_size_of_a_space_is_exact_while_it_is_small()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        Assert.Equal(0, (await stores.Spaces.SizeAsync(space, Ct)).Vectors);
        await stores.WriteAsync([.. Enumerable.Range(0, 30).Select(i => Stores.Draft($"text {i}"))]);
        await EmbedAsync(stores, space);

        var size = await stores.Spaces.SizeAsync(space, Ct);

        Assert.Equal(30, size.Vectors);
        Assert.True(size.Bytes > 8_192, $"{size}");
    }

    [Fact]
    public async Task A_text_is_found_in_the_cache_of_its_space_alone_until_it_is_pruned()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        var (other, _) = await stores.Spaces.AddAsync(Other, Ct);
        var hashes = Enumerable.Range(0, 10).Select(i => EmbeddingCacheStore.HashOf($"text {i}")).ToList();
        await stores.Cache.SaveAsync(space, [.. hashes.Select((h, i) => new CachedVector(h, new float[] { i, 0.5f, 0, 0 }))], Ct);
        await stores.Cache.SaveAsync(space, [new CachedVector(hashes[0], new float[] { 9, 9, 9, 9 })], Ct);
        await stores.Database.ExecuteAsync("UPDATE embedding_cache SET used_at = now() - interval '1 day'");

        var found = await stores.Cache.FindAsync(space, [hashes[0], hashes[7], EmbeddingCacheStore.HashOf("never seen")], Ct);
        Assert.Equal(2, found.Count);
        Assert.Equal([0, 0.5f, 0, 0], found[Convert.ToHexString(hashes[0])].ToArray());
        Assert.Equal([7, 0.5f, 0, 0], found[Convert.ToHexString(hashes[7])].ToArray());
        Assert.Empty(await stores.Cache.FindAsync(other, hashes, Ct));
        Assert.Empty(await stores.Cache.FindAsync(space, [], Ct));

        // What was asked for just now stays.
        Assert.Equal(8, await stores.Cache.PruneAsync(2, Ct));
        Assert.Equal(2, (await stores.Cache.FindAsync(space, hashes, Ct)).Count);
        Assert.Equal(0, await stores.Cache.PruneAsync(2, Ct));
    }

    /// <summary>A whole fill with a worker beside it.</summary>
    private static async Task FillAsync(Stores stores, EmbeddingSpace space)
    {
        var cursor = (await stores.Fill.BeginAsync(space, Ct))!.Value.Cursor;
        FillPage page;
        while ((page = (await stores.Fill.QueueNextAsync(space, cursor, 50, Ct))!).Read > 0)
        {
            cursor = page.Cursor;
        }

        await stores.Fill.SweepAsync(space, Ct);
        do
        {
            await EmbedAsync(stores, space);
        }
        while (!await stores.Fill.FinishAsync(space, page.At, Ct));
    }

    private static async Task EmbedAsync(Stores stores, EmbeddingSpace space, int except = 0)
    {
        while (await ClaimAsync(stores, space) is { Jobs.Count: > 0 } claim)
        {
            await stores.Queue.CompleteAsync(claim, [.. claim.Jobs.Skip(except).Select(j => new EmbeddedJob(j, [new float[] { 1, 0, 0, 0 }]))], Ct);
            if (except > 0)
            {
                await stores.Queue.ReleaseAsync(claim, TimeSpan.Zero, Ct);
                return;
            }
        }
    }

    private static Task<EmbeddingClaim> ClaimAsync(Stores stores, EmbeddingSpace space) => stores.Queue.ClaimAsync(space, 100, long.MaxValue, Lease, Ct);

    private static async Task<long> PendingAsync(Stores stores, EmbeddingSpace space) => (await stores.Queue.StatusAsync(space, Ct)).Pending;
}
