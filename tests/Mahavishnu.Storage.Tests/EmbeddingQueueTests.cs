using Mahavishnu.Contracts;

namespace Mahavishnu.Storage.Tests;

/// <summary>The embedding queue: who works on what, what is handed in, and what becomes of failures.</summary>
public sealed class EmbeddingQueueTests(PostgresFixture postgres)
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_job_carries_what_its_vector_needs()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        var draft = Stores.Draft("text", type: MemoryTypes.Rag, projectId: "p") with { Title = "title", RepoId = "r", Source = "s" };
        await stores.WriteAsync(draft);

        var claim = await ClaimAsync(stores, space);

        var job = Assert.Single(claim.Jobs);
        Assert.Equal(
            (draft.Id, "title", "text", 1, MemoryTypes.Rag, "s", "p", "r", draft.OccurredAt),
            (job.MemoryId, job.Title, job.Content, job.Attempt, job.Type, job.Source, job.ProjectId, job.RepoId, job.OccurredAt));
    }

    [Fact]
    public async Task What_is_handed_in_is_there_and_off_the_queue()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        var id = Assert.Single(await stores.WriteAsync(Stores.Draft("text", projectId: "p"))).Id;
        var claim = await ClaimAsync(stores, space);

        var saved = await stores.Queue.CompleteAsync(claim, [new EmbeddedJob(claim.Jobs[0], [new float[] { 1, 0, 0, 0 }, new float[] { 0, 0.5f, 0, 0 }])], Ct);

        Assert.Equal(1, saved);
        var rows = await stores.Database.RowsAsync($"SELECT memory_id, part, embedding::text, memory_type, source_system, project_id, repo_id FROM {space.Table} ORDER BY part");
        Assert.Equal([id, (short)0, "[1,0,0,0]", "agent", "test", "p", null], rows[0]);
        Assert.Equal([id, (short)1, "[0,0.5,0,0]", "agent", "test", "p", null], rows[1]);
        Assert.Equal(EmbeddingStates.Ready, (await stores.ReadAsync(id))!.Embedding);
        Assert.Equal(new EmbeddingQueueStatus(0, 0, 0, null), await stores.Queue.StatusAsync(Ct));
        Assert.Equal(2, await stores.Spaces.CountVectorsAsync(space, Ct));
    }

    [Fact]
    public async Task Workers_that_claim_at_once_get_different_jobs()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await stores.WriteAsync([.. Enumerable.Range(0, 100).Select(i => Stores.Draft($"text {i}"))]);

        var claims = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => stores.Queue.ClaimAsync(space, 20, long.MaxValue, Lease, Ct)));
        var rest = await ClaimAsync(stores, space);

        var ids = claims.Append(rest).SelectMany(c => c.Jobs).Select(j => j.MemoryId).ToList();
        Assert.Equal(100, ids.Count);
        Assert.Equal(100, ids.Distinct().Count());
        Assert.All(claims, c => Assert.True(c.Jobs.Count <= 20));
        Assert.Empty((await ClaimAsync(stores, space)).Jobs);
        Assert.Equal((0, 100, 0), Counts(await stores.Queue.StatusAsync(Ct)));
    }

    [Fact]
    public async Task A_claim_ends_before_its_texts_grow_too_large_but_takes_one_at_least()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        foreach (var letter in "abc")
        {
            await stores.WriteAsync(Stores.Draft(new string(letter, 1_000)));
        }

        var sizes = new List<int>();
        foreach (var bytes in new[] { 1, 1_001 })
        {
            sizes.Add((await stores.Queue.ClaimAsync(space, 10, bytes, Lease, Ct)).Jobs.Count);
        }

        Assert.Equal([1, 2], sizes);
    }

    [Fact]
    public async Task The_oldest_come_first()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        foreach (var i in Enumerable.Range(0, 5))
        {
            await stores.WriteAsync(Stores.Draft($"text {i}"));
        }

        var contents = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            contents.Add(Assert.Single((await stores.Queue.ClaimAsync(space, 1, long.MaxValue, Lease, Ct)).Jobs).Content);
        }

        Assert.Equal(Enumerable.Range(0, 5).Select(i => $"text {i}"), contents);
    }

    [Fact]
    public async Task What_a_dead_worker_held_is_claimed_again_and_its_late_work_is_dropped()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await stores.WriteAsync(Stores.Draft("text"));
        var dead = await ClaimAsync(stores, space);
        Assert.Empty((await ClaimAsync(stores, space)).Jobs);
        await stores.ExpireLeasesAsync();

        var heir = await ClaimAsync(stores, space);
        var late = await stores.Queue.CompleteAsync(dead, [Done(dead, 0.5f)], Ct);
        await stores.Queue.FailAsync(dead, [new FailedJob(dead.Jobs[0].MemoryId, EmbeddingReasons.TextRefused, "late")], 1, Lease, Ct);
        await stores.Queue.ReleaseAsync(dead, TimeSpan.Zero, Ct);
        var saved = await stores.Queue.CompleteAsync(heir, [Done(heir, 1)], Ct);

        Assert.Equal((2, 0, 1), (heir.Jobs[0].Attempt, late, saved));
        Assert.Equal("[1,0,0,0]", await stores.Database.ScalarAsync<string>($"SELECT embedding::text FROM {space.Table}"));
    }

    [Fact]
    public async Task A_memory_that_changed_while_it_was_embedded_is_embedded_again()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        var id = Assert.Single(await stores.WriteAsync(Stores.Draft("old"))).Id;
        var claim = await ClaimAsync(stores, space);
        await stores.Memories.UpdateAsync(id, null, m => Stores.Draft("new", m.Id), Ct);

        Assert.Equal(0, await stores.Queue.CompleteAsync(claim, [Done(claim, 0.5f)], Ct));

        var again = await ClaimAsync(stores, space);
        Assert.Equal(("new", 1), (Assert.Single(again.Jobs).Content, again.Jobs[0].Attempt));
        Assert.Equal(0, await stores.CountAsync(space.Table));
    }

    [Fact]
    public async Task A_memory_that_was_deleted_while_it_was_embedded_gets_no_vector()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await stores.WriteAsync(Stores.Draft("stays"), Stores.Draft("goes"));
        var claim = await ClaimAsync(stores, space);
        await stores.Memories.DeleteAsync(claim.Jobs.Single(j => j.Content == "goes").MemoryId, null, Ct);

        Assert.Equal(1, await stores.Queue.CompleteAsync(claim, [Done(claim, 1, 0), Done(claim, 1, 1)], Ct));

        Assert.Equal((1, 0), (await stores.CountAsync(space.Table), await stores.CountAsync("embedding_queue")));
    }

    [Fact]
    public async Task The_vectors_of_a_shorter_text_replace_those_of_the_longer_one()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        var id = Assert.Single(await stores.WriteAsync(Stores.Draft("long"))).Id;
        var first = await ClaimAsync(stores, space);
        await stores.Queue.CompleteAsync(first, [new EmbeddedJob(first.Jobs[0], [new float[] { 1, 0, 0, 0 }, new float[] { 0, 1, 0, 0 }])], Ct);
        await stores.Memories.UpdateAsync(id, null, m => Stores.Draft("short", m.Id), Ct);
        var second = await ClaimAsync(stores, space);

        await stores.Queue.CompleteAsync(second, [Done(second, 1)], Ct);

        Assert.Equal(1, await stores.CountAsync(space.Table));
    }

    [Fact]
    public async Task A_failed_job_waits_longer_each_time_and_ends_among_the_dead_letters()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        var id = Assert.Single(await stores.WriteAsync(Stores.Draft("text"))).Id;
        var pauses = new List<double>();

        for (var attempt = 1; attempt <= 3; attempt++)
        {
            var claim = await ClaimAsync(stores, space);
            Assert.Equal(attempt, claim.Jobs[0].Attempt);
            await stores.Queue.FailAsync(claim, [new FailedJob(id, EmbeddingReasons.TextRefused, $"the model said \0 {attempt}")], maxAttempts: 3, TimeSpan.FromSeconds(10), Ct);
            Assert.Empty((await ClaimAsync(stores, space)).Jobs);
            pauses.Add(await stores.Database.ScalarAsync<double>("SELECT extract(epoch FROM claimed_until - now())::float8 FROM embedding_queue"));
            await stores.ExpireLeasesAsync();
        }

        Assert.InRange(pauses[1] / pauses[0], 1.8, 2.4);
        Assert.Empty((await ClaimAsync(stores, space)).Jobs);
        Assert.Equal((0, 0, 1), Counts(await stores.Queue.StatusAsync(Ct)));
        Assert.Equal(EmbeddingStates.Failed, (await stores.ReadAsync(id))!.Embedding);
        var letter = Assert.Single(await stores.Queue.DeadLettersAsync(10, Ct));
        Assert.Equal((id, (int)space.Id, 3, EmbeddingReasons.TextRefused, "the model said  3"), (letter.MemoryId, letter.SpaceId, letter.Attempts, letter.Reason, letter.Error));

        Assert.Equal(0, await stores.Queue.RetryAsync([Guid.CreateVersion7()], Ct));
        Assert.Equal(1, await stores.Queue.RetryAsync([id], Ct));
        Assert.Equal(1, Assert.Single((await ClaimAsync(stores, space)).Jobs).Attempt);
        Assert.Equal(0, await stores.Queue.RetryAsync(null, Ct));
    }

    [Fact]
    public async Task One_failure_of_a_claim_leaves_the_others_to_be_handed_in()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await stores.WriteAsync(Stores.Draft("good"), Stores.Draft("bad"));
        var claim = await ClaimAsync(stores, space);

        await stores.Queue.FailAsync(claim, [new FailedJob(claim.Jobs[1].MemoryId, EmbeddingReasons.TextRefused, "bad")], 5, Lease, Ct);
        await stores.Queue.FailAsync(claim, [], 5, Lease, Ct);

        Assert.Equal(1, await stores.Queue.CompleteAsync(claim, [Done(claim, 1, 0), Done(claim, 1, 1)], Ct));
        Assert.Equal(0, await stores.Queue.CompleteAsync(claim, [], Ct));
        Assert.Equal((1, 0, 0), Counts(await stores.Queue.StatusAsync(Ct)));
    }

    [Fact]
    public async Task A_claim_given_back_costs_no_attempt()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await stores.WriteAsync(Stores.Draft("text"));

        await stores.Queue.ReleaseAsync(await ClaimAsync(stores, space), TimeSpan.Zero, Ct);
        var next = await ClaimAsync(stores, space);
        await stores.Queue.ReleaseAsync(next, Lease, Ct, EmbeddingReasons.ModelAway, "nobody \0 there");

        Assert.Equal(1, next.Jobs[0].Attempt);
        Assert.Empty((await ClaimAsync(stores, space)).Jobs);
        var status = await stores.Queue.StatusAsync(Ct);
        Assert.Equal((1, 0, 0), Counts(status));
        Assert.Equal([new EmbeddingQueueReason(EmbeddingReasons.ModelAway, 1, 0, "nobody  there")], status.Reasons);
    }

    [Fact]
    public async Task The_status_says_for_each_space_what_waits_what_failed_and_why()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        var (other, _) = await stores.Spaces.AddAsync(Stores.Model with { Digest = "2" }, Ct);
        await stores.WriteAsync([.. Enumerable.Range(0, 6).Select(i => Stores.Draft($"text {i}"))]);
        var claim = await ClaimAsync(stores, space);

        await stores.Queue.FailAsync(claim, [Failed(0, EmbeddingReasons.TextRefused), Failed(1, EmbeddingReasons.ZeroVector)], 5, Lease, Ct);
        await stores.Queue.FailAsync(claim, [Failed(2, EmbeddingReasons.TextRefused)], 1, Lease, Ct);
        await stores.Queue.CompleteAsync(claim, [Done(claim, 1, 3)], Ct);

        var status = await stores.Queue.StatusAsync(Ct);
        Assert.Equal((2, 2, 1), Counts(status));
        Assert.Equal(
            [new EmbeddingQueueReason(EmbeddingReasons.TextRefused, 1, 1, "because of 0"), new EmbeddingQueueReason(EmbeddingReasons.ZeroVector, 1, 0, "because of 1")],
            status.Reasons);
        Assert.Equal(status, await stores.Queue.StatusAsync(space, Ct) with { Reasons = status.Reasons });
        Assert.Equal((6, 0, 0), Counts(await stores.Queue.StatusAsync(other, Ct)));
        Assert.Empty((await stores.Queue.StatusAsync(other, Ct)).Reasons);

        // A retry is told apart from the first attempt by the reason it still has; a change of the text begins anew.
        await stores.Queue.RetryAsync(null, Ct);
        Assert.Equal((3, 2, 0), Counts(await stores.Queue.StatusAsync(Ct)));
        await stores.Memories.UpdateAsync(claim.Jobs[0].MemoryId, null, m => Stores.Draft("new", m.Id), Ct);
        Assert.Equal((1, 0), (await stores.Queue.StatusAsync(Ct)).Reasons.Where(r => r.Reason == EmbeddingReasons.TextRefused).Select(r => (r.Waiting, r.Failed)).Single());

        FailedJob Failed(int index, string reason) => new(claim.Jobs[index].MemoryId, reason, $"because of {index}");
    }

    [Fact]
    public async Task While_no_space_is_active_the_status_is_that_of_all_together()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        await stores.Spaces.AddAsync(Stores.Model, Ct);
        await stores.Spaces.AddAsync(Stores.Model with { Digest = "2" }, Ct);

        await stores.WriteAsync(Stores.Draft("text"));

        Assert.Equal((2, 0, 0), Counts(await stores.Queue.StatusAsync(Ct)));
    }

    private static Task<EmbeddingClaim> ClaimAsync(Stores stores, EmbeddingSpace space) => stores.Queue.ClaimAsync(space, 100, long.MaxValue, Lease, Ct);

    private static EmbeddedJob Done(EmbeddingClaim claim, float x, int index = 0) => new(claim.Jobs[index], [new[] { x, 0, 0, 0 }]);

    private static (long Pending, long Running, long Failed) Counts(EmbeddingQueueStatus status) => (status.Pending, status.Running, status.Failed);
}
