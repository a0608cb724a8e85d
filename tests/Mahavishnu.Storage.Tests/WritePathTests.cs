using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Storage.Tests;

/// <summary>The one write path: what is created, what is a duplicate, what is changed and what is refused.</summary>
public sealed class WritePathTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Batches of this size go by way of COPY.</summary>
    private const int Large = 40;

    [Theory]
    [InlineData(1)]
    [InlineData(Large)]
    public async Task A_memory_is_stored_as_it_came(int rows)
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var odd = "'; DROP TABLE memories; -- %s {0} \\ \" \u2028 \t\r\n 😀 \uFFFF";
        var draft = Stores.Draft(odd, type: MemoryTypes.Workflow, projectId: odd, tags: ["b", "a", odd]) with
        {
            Source = odd,
            Title = odd,
            AgentId = odd,
            WorkflowId = odd,
            RepoId = odd,
            SessionId = odd,
            Metadata = JsonSerializer.Serialize(new { text = odd, nested = new { list = new object?[] { 1, 2.5, true, null } } }),
            Provenance = """{"import": "x"}""",
            OccurredAt = new DateTimeOffset(2020, 2, 3, 4, 5, 6, 789, TimeSpan.FromHours(5.5)),
            ExpiresAt = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero),
        };

        var outcomes = await stores.WriteAsync([draft, .. Enumerable.Range(1, rows - 1).Select(i => Stores.Draft($"filler {i}"))]);

        Assert.All(outcomes, o => Assert.Equal(WriteStatus.Created, o.Status));
        var memory = (await stores.ReadAsync(outcomes[0].Id))!;
        Assert.Equal(draft.Id, memory.Id);
        Assert.Equal(
            (draft.Type, odd, odd, odd, odd, odd, odd, odd, odd, 1),
            (memory.Type, memory.Source, memory.Title, memory.Content, memory.AgentId, memory.WorkflowId, memory.RepoId, memory.ProjectId, memory.SessionId, memory.Version));
        Assert.Equal(["b", "a", odd], memory.Tags);
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(draft.Metadata), memory.Metadata));
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(draft.Provenance), memory.Provenance!.Value));
        Assert.Equal((draft.OccurredAt.ToUniversalTime(), draft.ExpiresAt), (memory.OccurredAt, memory.ExpiresAt));
        Assert.Equal(draft.ContentHash, await stores.Database.ScalarAsync<byte[]>("SELECT content_hash FROM memories WHERE id = $1", memory.Id));
        Assert.Equal(draft.ContentHash, await stores.Database.ScalarAsync<byte[]>("SELECT sha256(convert_to(content, 'UTF8')) FROM memories WHERE id = $1", memory.Id));
    }

    /// <summary>The same story told to both ways in must end the same.</summary>
    [Fact]
    public async Task Small_batches_and_large_ones_end_the_same()
    {
        var deleted = Guid.CreateVersion7();
        var taken = Guid.CreateVersion7();

        async Task<List<string>> Tell(int filler, WriteMode mode)
        {
            await using var stores = await Stores.CreateAsync(postgres);
            await stores.WriteAsync(Stores.Draft("there"), Stores.Draft("taken", taken), Stores.Draft("deleted", deleted));
            await stores.Memories.DeleteAsync(deleted, null, Ct);
            var twice = Guid.CreateVersion7();
            MemoryDraft[] drafts =
            [
                Stores.Draft("new"),
                Stores.Draft("new", tags: "later"),
                Stores.Draft("there"),
                Stores.Draft("there", Guid.CreateVersion7(), tags: "other"),
                Stores.Draft("there", type: MemoryTypes.Insight),
                Stores.Draft("there", projectId: "elsewhere"),
                Stores.Draft("taken", taken),
                Stores.Draft("taken by another", taken),
                Stores.Draft("deleted, again", deleted),
                Stores.Draft("one id", twice),
                Stores.Draft("one id, two texts", twice),
                Stores.Draft("no key") with { DedupeKey = null },
                Stores.Draft("no key") with { DedupeKey = null },
            ];
            var outcomes = await stores.Memories.WriteAsync([.. drafts, .. Enumerable.Range(0, filler).Select(i => Stores.Draft($"filler {i}"))], mode, Ct);
            return [.. drafts.Zip(outcomes, (d, o) => $"{d.Content}: {o.Status} {o.Reason}")];
        }

        var small = await Tell(0, WriteMode.Insert);
        Assert.Equal(small, await Tell(Large, WriteMode.Insert));
        Assert.Equal(await Tell(0, WriteMode.Upsert), await Tell(Large, WriteMode.Upsert));
        Assert.Equal(
            [
                "new: Created ", "new: Duplicate ", "there: Duplicate ", "there: Duplicate ", "there: Created ", "there: Created ", "taken: Duplicate ",
                "taken by another: Conflict The id appears twice in this batch with different content.",
                "deleted, again: Conflict A deleted memory has this id; restore it, or choose another id.",
                "one id: Created ", "one id, two texts: Conflict The id appears twice in this batch with different content.",
                "no key: Created ", "no key: Created ",
            ],
            small);
    }

    [Fact]
    public async Task A_duplicate_answers_with_the_memory_that_is_there()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var first = Assert.Single(await stores.WriteAsync(Stores.Draft("same")));

        var again = Assert.Single(await stores.WriteAsync(Stores.Draft("same")));
        var within = await stores.WriteAsync(Stores.Draft("twin"), Stores.Draft("twin"));

        Assert.Equal(new WriteOutcome(first.Id, WriteStatus.Duplicate), again);
        Assert.Equal(new WriteOutcome(within[0].Id, WriteStatus.Duplicate), within[1]);
        Assert.Equal(2, await stores.CountAsync("memories"));
    }

    [Fact]
    public async Task An_id_with_other_content_is_a_conflict_and_changes_nothing()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var id = Guid.CreateVersion7();
        await stores.WriteAsync(Stores.Draft("mine", id));

        var outcome = Assert.Single(await stores.WriteAsync(Stores.Draft("yours", id)));

        Assert.Equal((id, WriteStatus.Conflict), (outcome.Id, outcome.Status));
        Assert.Equal(("mine", 1), ((await stores.ReadAsync(id))!.Content, (await stores.ReadAsync(id))!.Version));
    }

    [Fact]
    public async Task What_a_duplicate_says_differently_is_kept_once_and_not_without_bound()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var id = Assert.Single(await stores.WriteAsync(Stores.Draft("same", tags: "first"))).Id;
        var given = Guid.CreateVersion7();

        for (var i = 0; i < 2; i++)
        {
            await stores.WriteAsync(Stores.Draft("same", given, tags: "first"), Stores.Draft("filler"), Stores.Draft("same", tags: "first") with { Source = "elsewhere" });
        }

        var kept = (await stores.ReadAsync(id))!.Provenance!.Value.GetProperty("duplicates");
        Assert.Equal([$$"""{"id": "{{given}}"}"""], kept.EnumerateArray().Select(d => d.GetRawText()));

        await stores.WriteAsync(Stores.Draft("same", tags: "first") with { Source = "elsewhere" });
        for (var i = 0; i < 60; i++)
        {
            await stores.WriteAsync(Stores.Draft("same", tags: ["first", $"{i}"]));
        }

        var memory = (await stores.ReadAsync(id))!;
        var duplicates = memory.Provenance!.Value.GetProperty("duplicates").EnumerateArray().ToList();
        Assert.Equal(50, duplicates.Count);
        Assert.Equal("elsewhere", duplicates[1].GetProperty("source").GetString());
        Assert.Equal(["first", "0"], duplicates[2].GetProperty("tags").EnumerateArray().Select(t => t.GetString()));
        Assert.Equal(["first"], memory.Tags);
        Assert.Equal(1, memory.Version);
    }

    [Fact]
    public async Task An_upsert_changes_what_differs_and_keeps_what_was()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        var id = Guid.CreateVersion7();
        await stores.WriteAsync(Stores.Draft("old", id));
        await DrainAsync(stores, space);

        var changed = Assert.Single(await stores.UpsertAsync(Stores.Draft("new", id, tags: "t")));
        var same = Assert.Single(await stores.UpsertAsync(Stores.Draft("new", id, tags: "t")));

        Assert.Equal((WriteStatus.Updated, WriteStatus.Duplicate), (changed.Status, same.Status));
        var memory = (await stores.ReadAsync(id))!;
        Assert.Equal(("new", 2, EmbeddingStates.Pending), (memory.Content, memory.Version, memory.Embedding));
        Assert.Equal(["t"], memory.Tags);
        Assert.Equal("old", await stores.Database.ScalarAsync<string>("SELECT memory ->> 'content' FROM memory_history WHERE memory_id = $1 AND version = 1", id));
        // The new text has the new key: the old one is free.
        Assert.Equal(WriteStatus.Created, Assert.Single(await stores.WriteAsync(Stores.Draft("old"))).Status);
    }

    [Fact]
    public async Task An_upsert_that_meets_its_text_under_another_id_updates_that_one()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var first = Assert.Single(await stores.WriteAsync(Stores.Draft("same")));

        var outcome = Assert.Single(await stores.UpsertAsync(Stores.Draft("same", Guid.CreateVersion7(), tags: "now")));

        Assert.Equal((first.Id, WriteStatus.Updated), (outcome.Id, outcome.Status));
        Assert.Equal(["now"], (await stores.ReadAsync(first.Id))!.Tags);
    }

    [Fact]
    public async Task An_upsert_to_the_text_of_another_memory_is_a_conflict()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var (one, two) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await stores.WriteAsync(Stores.Draft("one", one), Stores.Draft("two", two));

        var outcome = Assert.Single(await stores.UpsertAsync(Stores.Draft("two", one)));

        Assert.Equal(WriteStatus.Conflict, outcome.Status);
        Assert.Contains(two.ToString(), outcome.Reason, StringComparison.Ordinal);
        Assert.Equal("one", (await stores.ReadAsync(one))!.Content);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(Large)]
    public async Task The_question_for_a_vector_stands_and_falls_with_the_memory(int rows)
    {
        var (stores, _) = await Stores.CreateWithSpaceAsync(postgres);
        await using var __ = stores;
        var drafts = Enumerable.Range(0, rows).Select(i => Stores.Draft($"text {i}")).ToArray();

        await using (var connection = await stores.Database.DataSource.OpenConnectionAsync(Ct))
        await using (var transaction = await connection.BeginTransactionAsync(Ct))
        {
            await stores.Memories.WriteAsync(transaction, drafts, WriteMode.Insert, Ct);
            await transaction.RollbackAsync(Ct);
        }

        Assert.Equal((0, 0), (await stores.CountAsync("memories"), await stores.CountAsync("embedding_queue")));

        await stores.WriteAsync([.. drafts, drafts[0] with { Id = Guid.CreateVersion7() }]);
        await stores.WriteAsync(drafts);

        Assert.Equal((rows, rows), (await stores.CountAsync("memories"), await stores.CountAsync("embedding_queue")));
    }

    [Fact]
    public async Task Several_batches_fit_into_one_transaction()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        await using var connection = await stores.Database.DataSource.OpenConnectionAsync(Ct);
        await using var transaction = await connection.BeginTransactionAsync(Ct);

        for (var batch = 0; batch < 3; batch++)
        {
            await stores.Memories.WriteAsync(transaction, [.. Enumerable.Range(0, Large).Select(i => Stores.Draft($"text {batch} {i}"))], WriteMode.Insert, Ct);
        }

        await transaction.CommitAsync(Ct);
        Assert.Equal(3 * Large, await stores.CountAsync("memories"));
    }

    [Theory]
    [InlineData(16)]
    [InlineData(Large)]
    public async Task Eight_writers_with_the_same_texts_store_each_once(int rows)
    {
        var (stores, _) = await Stores.CreateWithSpaceAsync(postgres);
        await using var __ = stores;

        var all = await Task.WhenAll(Enumerable.Range(0, 8).Select(async writer =>
        {
            // Each in an order, with tags and with ids of its own: the worst for locks.
            var random = new Random(writer);
            var drafts = Enumerable.Range(0, rows).Select(i => Stores.Draft($"text {i}", Guid.CreateVersion7(), tags: $"writer {writer}")).ToArray();
            random.Shuffle(drafts);
            return (drafts, outcomes: await stores.Memories.WriteAsync(drafts, WriteMode.Insert, Ct));
        }));

        Assert.Equal((rows, rows), (await stores.CountAsync("memories"), await stores.CountAsync("embedding_queue")));
        var answers = all.SelectMany(a => a.drafts.Zip(a.outcomes)).GroupBy(p => p.First.Content, p => p.Second, StringComparer.Ordinal).ToList();
        Assert.All(answers, text =>
        {
            Assert.Single(text, o => o.Status == WriteStatus.Created);
            Assert.Single(text.Select(o => o.Id).Distinct());
        });
        Assert.Equal(7 * rows, await stores.Database.ScalarAsync<long>("SELECT sum(jsonb_array_length(provenance -> 'duplicates')) FROM memories"));
    }

    [Fact]
    public async Task Eight_writers_that_upsert_the_same_texts_all_end()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var ids = Enumerable.Range(0, Large).Select(_ => Guid.CreateVersion7()).ToArray();

        var all = await Task.WhenAll(Enumerable.Range(0, 8).Select(async writer =>
        {
            var drafts = ids.Select((id, i) => Stores.Draft($"text {i} by {writer}", id)).ToArray();
            new Random(writer).Shuffle(drafts);
            return await stores.Memories.WriteAsync(drafts, WriteMode.Upsert, Ct);
        }));

        Assert.DoesNotContain(all.SelectMany(o => o), o => o.Status == WriteStatus.Conflict);
        Assert.Equal(Large, await stores.CountAsync("memories"));
        Assert.Equal(7 * Large, await stores.CountAsync("memory_history"));
    }

    [Fact]
    public async Task A_write_wakes_the_worker_of_this_process()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var woken = stores.Signal.WaitAsync(TimeSpan.FromMinutes(1), TimeProvider.System, Ct);

        await stores.WriteAsync(Stores.Draft("text"));

        await woken;
    }

    [Fact]
    public async Task The_second_attempt_after_a_lost_answer_says_created()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var drafts = Enumerable.Range(0, 3).Select(i => Stores.Draft($"text {i}")).ToArray();
        await stores.WriteAsync(drafts);

        // The server made these ids: who else should have stored them?
        var again = await stores.WriteAsync(drafts);

        Assert.Equal(drafts.Select(d => new WriteOutcome(d.Id, WriteStatus.Created)), again);
    }

    [Fact]
    public void A_changed_draft_has_the_hash_of_its_new_content()
    {
        var draft = Stores.Draft("one");
        var changed = draft with { Content = "two" };

        Assert.Equal(Stores.Draft("two").ContentHash, changed.ContentHash);
        Assert.Equal(Stores.Draft("one").ContentHash, draft.ContentHash);
    }

    [Fact]
    public void A_key_of_very_long_names_fits_the_index()
    {
        var hash = Stores.Draft("x").ContentHash;
        var one = DedupeKeys.ForChunk(new string('r', 500), new string('ä', 4_000), 1, hash);
        var two = DedupeKeys.ForChunk(new string('r', 500), new string('ä', 4_000), 2, hash);

        Assert.True(one.Length <= 1_000);
        Assert.NotEqual(one, two);
        Assert.StartsWith("agent:project:", DedupeKeys.ForMemory("agent", "project", hash), StringComparison.Ordinal);
        Assert.StartsWith("sb:", DedupeKeys.ForImportedText(hash), StringComparison.Ordinal);
        Assert.StartsWith("sbkg:", DedupeKeys.ForImportedEdge(hash), StringComparison.Ordinal);
        Assert.Equal("s:c", DedupeKeys.ForTurn("s", "c"));
        Assert.NotEqual(DedupeKeys.ForTurn("a:b", "c"), DedupeKeys.ForTurn("a", "b:c"));
        Assert.NotEqual(DedupeKeys.ForTurn("a\\", "b:c"), DedupeKeys.ForTurn("a:b", "c"));
    }

    private static async Task DrainAsync(Stores stores, EmbeddingSpace space)
    {
        var claim = await stores.Queue.ClaimAsync(space, 100, long.MaxValue, TimeSpan.FromMinutes(1), Ct);
        await stores.Queue.CompleteAsync(claim, [.. claim.Jobs.Select(j => new EmbeddedJob(j, [new float[] { 1, 0, 0, 0 }]))], Ct);
    }
}
