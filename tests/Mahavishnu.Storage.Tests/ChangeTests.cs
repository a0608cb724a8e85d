using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Storage.Tests;

/// <summary>Memories that are already there: changed, deleted, restored, removed, and what is remembered of it.</summary>
public sealed class ChangeTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_change_makes_a_version_and_the_history_has_the_one_before()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var id = await WriteOneAsync(stores, "before");

        var result = await stores.Memories.UpdateAsync(id, 1, m => Changed(m, "after"), Ct);

        Assert.Equal((ChangeStatus.Changed, "after", 2), (result.Status, result.Memory!.Content, result.Memory.Version));
        Assert.True(result.Memory.UpdatedAt >= result.Memory.CreatedAt);
        var row = Assert.Single(await stores.Database.RowsAsync("SELECT version, change, memory::text FROM memory_history"));
        Assert.Equal((1, "update"), (row[0], row[1]));
        var was = JsonElement.Parse((string)row[2]!);
        Assert.Equal("before", was.GetProperty("content").GetString());
        Assert.False(was.TryGetProperty("words", out _));
    }

    [Fact]
    public async Task A_change_to_the_same_is_none()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var id = await WriteOneAsync(stores, "same");

        // Finer than what the database keeps: still the same moment.
        var result = await stores.Memories.UpdateAsync(id, 1, m => Changed(m, "same") with { OccurredAt = m.OccurredAt.AddTicks(3) }, Ct);

        Assert.Equal((ChangeStatus.Unchanged, 1), (result.Status, result.Memory!.Version));
        Assert.Equal(0, await stores.CountAsync("memory_history"));
    }

    [Fact]
    public async Task A_change_based_on_another_version_is_refused()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var id = await WriteOneAsync(stores, "text");

        var update = await stores.Memories.UpdateAsync(id, 7, m => Changed(m, "other"), Ct);
        var delete = await stores.Memories.DeleteAsync(id, 7, Ct);

        Assert.Equal((ChangeStatus.VersionMismatch, ChangeStatus.VersionMismatch), (update.Status, delete.Status));
        Assert.Equal(("text", 1), (update.Memory!.Content, delete.Memory!.Version));
    }

    [Fact]
    public async Task Of_changes_based_on_one_version_one_wins()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var id = await WriteOneAsync(stores, "text");

        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => stores.Memories.UpdateAsync(id, 1, m => Changed(m, $"by {i}"), Ct)));

        Assert.Single(results, r => r.Status == ChangeStatus.Changed);
        Assert.Equal(7, results.Count(r => r.Status == ChangeStatus.VersionMismatch));
        Assert.Equal(1, await stores.CountAsync("memory_history"));
    }

    [Fact]
    public async Task Of_memories_that_become_the_same_text_at_once_one_does()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var ids = new List<Guid>();
        for (var i = 0; i < 8; i++)
        {
            ids.Add(await WriteOneAsync(stores, $"text {i}"));
        }

        var results = await Task.WhenAll(ids.Select(id => stores.Memories.UpdateAsync(id, 1, m => Changed(m, "the same"), Ct)));

        var winner = Assert.Single(results, r => r.Status == ChangeStatus.Changed).Memory!.Id;
        Assert.All(results.Where(r => r.Status != ChangeStatus.Changed), r => Assert.Equal((ChangeStatus.Duplicate, winner), (r.Status, r.Other)));
    }

    [Fact]
    public async Task What_is_not_there_cannot_be_changed()
    {
        await using var stores = await Stores.CreateAsync(postgres);

        var results = new[]
        {
            await stores.Memories.UpdateAsync(Guid.CreateVersion7(), null, m => Changed(m, "x"), Ct),
            await stores.Memories.DeleteAsync(Guid.CreateVersion7(), null, Ct),
            await stores.Memories.RestoreAsync(Guid.CreateVersion7(), Ct),
        };

        Assert.All(results, r => Assert.Equal(ChangeStatus.NotFound, r.Status));
    }

    [Fact]
    public async Task A_deleted_memory_keeps_its_row_gives_its_key_free_and_loses_its_vectors()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        var id = await WriteOneAsync(stores, "text");
        await EmbedAllAsync(stores, space);

        var deleted = await stores.Memories.DeleteAsync(id, 1, Ct);

        Assert.Equal((ChangeStatus.Changed, 2), (deleted.Status, deleted.Memory!.Version));
        Assert.NotNull(deleted.Memory.DeletedAt);
        Assert.Equal((0, 0), (await stores.CountAsync(space.Table), await stores.CountAsync("embedding_queue")));
        Assert.Equal(ChangeStatus.NotFound, (await stores.Memories.DeleteAsync(id, null, Ct)).Status);
        Assert.Equal(ChangeStatus.NotFound, (await stores.Memories.UpdateAsync(id, null, m => Changed(m, "x"), Ct)).Status);
        Assert.NotEqual(id, await WriteOneAsync(stores, "text"));
    }

    [Fact]
    public async Task A_restored_memory_is_as_it_was_and_asks_for_its_vector()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        var id = await WriteOneAsync(stores, "text");
        await EmbedAllAsync(stores, space);
        await stores.Memories.DeleteAsync(id, null, Ct);

        var restored = await stores.Memories.RestoreAsync(id, Ct);
        var again = await stores.Memories.RestoreAsync(id, Ct);

        Assert.Equal((ChangeStatus.Changed, 3, EmbeddingStates.Pending), (restored.Status, restored.Memory!.Version, restored.Memory.Embedding));
        Assert.Null(restored.Memory.DeletedAt);
        Assert.Null(restored.Memory.Provenance);
        Assert.Equal(ChangeStatus.Unchanged, again.Status);
        Assert.Equal(["delete", "restore"], (await stores.Database.RowsAsync("SELECT change FROM memory_history ORDER BY version")).Select(r => (string)r[0]!));
        // Its key is its own again.
        Assert.Equal(WriteStatus.Duplicate, Assert.Single(await stores.WriteAsync(Stores.Draft("text"))).Status);
    }

    [Fact]
    public async Task A_memory_whose_text_was_stored_anew_cannot_be_restored()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var id = await WriteOneAsync(stores, "text");
        await stores.Memories.DeleteAsync(id, null, Ct);
        var other = await WriteOneAsync(stores, "text");

        var result = await stores.Memories.RestoreAsync(id, Ct);

        Assert.Equal((ChangeStatus.Duplicate, other), (result.Status, result.Other));
        Assert.NotNull((await stores.ReadAsync(id))!.DeletedAt);
    }

    [Fact]
    public async Task What_is_removed_leaves_no_trace()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        var (gone, waiting, stays) = (await WriteOneAsync(stores, "gone"), Guid.CreateVersion7(), await WriteOneAsync(stores, "stays"));
        await EmbedAllAsync(stores, space);
        await stores.Memories.UpdateAsync(gone, null, m => Changed(m, "gone, later") with { Tags = ["t"] }, Ct);
        await EmbedAllAsync(stores, space);
        await stores.WriteAsync(Stores.Draft("waiting", waiting));

        await using (var connection = await stores.Database.DataSource.OpenConnectionAsync(Ct))
        await using (var transaction = await connection.BeginTransactionAsync(Ct))
        {
            Assert.Equal(2, await stores.Memories.RemoveAsync(transaction, [gone, waiting, Guid.CreateVersion7()], Ct));
            Assert.Equal(0, await stores.Memories.RemoveAsync(transaction, [], Ct));
            await transaction.CommitAsync(Ct);
        }

        Assert.Equal(stays, Assert.Single(await stores.Database.RowsAsync("SELECT id FROM memories"))[0]);
        Assert.Equal(stays, Assert.Single(await stores.Database.RowsAsync($"SELECT memory_id FROM {space.Table}"))[0]);
        Assert.Equal((0, 0), (await stores.CountAsync("embedding_queue"), await stores.CountAsync("memory_history")));
    }

    [Fact]
    public async Task What_is_changed_while_it_is_removed_leaves_no_question_for_a_vector()
    {
        var (stores, _) = await Stores.CreateWithSpaceAsync(postgres);
        await using var __ = stores;
        var id = await WriteOneAsync(stores, "text");
        var locked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var removing = new TaskCompletionSource();

        // On a thread of its own: the test runner has few, and this one stands still until the removal waits.
        var update = Task.Run(
            () => stores.Memories.UpdateAsync(
                id, null,
                m =>
                {
                    locked.SetResult();
                    removing.Task.Wait(TimeSpan.FromSeconds(30), Ct);
                    return Changed(m, "changed");
                },
                Ct),
            Ct);
        await locked.Task;
        await using (var connection = await stores.Database.DataSource.OpenConnectionAsync(Ct))
        await using (var transaction = await connection.BeginTransactionAsync(Ct))
        {
            var removal = stores.Memories.RemoveAsync(transaction, [id], Ct);
            await Eventually.Async(
                () => stores.Database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())"),
                "The removal's wait for the change");
            removing.SetResult();
            await update;
            await removal;
            await transaction.CommitAsync(Ct);
        }

        Assert.Equal((0, 0), (await stores.CountAsync("memories"), await stores.CountAsync("embedding_queue")));
    }

    private static async Task<Guid> WriteOneAsync(Stores stores, string content) => Assert.Single(await stores.WriteAsync(Stores.Draft(content))).Id;

    private static MemoryDraft Changed(Memory memory, string content) => Stores.Draft(content, memory.Id) with { OccurredAt = memory.OccurredAt };

    private static async Task EmbedAllAsync(Stores stores, EmbeddingSpace space)
    {
        var claim = await stores.Queue.ClaimAsync(space, 100, long.MaxValue, TimeSpan.FromMinutes(1), Ct);
        await stores.Queue.CompleteAsync(claim, [.. claim.Jobs.Select(j => new EmbeddedJob(j, [new float[] { 1, 0, 0, 0 }]))], Ct);
    }
}
