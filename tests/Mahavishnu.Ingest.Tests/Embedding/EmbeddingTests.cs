using System.Net;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.Ingest.Tests;

/// <summary>From the queue to the vectors, with a model that has every fault.</summary>
public sealed class EmbeddingTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;
    private readonly StrangeModel _model = new();
    private TestDatabase _database = null!;
    private TestHost? _running;

    private TestHost Host => _running!;

    public async ValueTask InitializeAsync() => _database = await postgres.CreateDatabaseAsync();

    public async ValueTask DisposeAsync()
    {
        _model.Open();
        await StopAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task What_is_stored_becomes_ready_with_its_title_before_its_content()
    {
        await StartAsync();
        var memory = await Host.Memories.AddAsync(new NewMemory { Title = "Heading", Content = "Text", Type = "insight", Source = "s", ProjectId = "p", RepoId = "r" }, Ct);
        Assert.Equal("pending", memory.Embedding);

        Assert.Equal("ready", (await ReadyAsync(memory.Id)).Embedding);

        Assert.Contains(_model.Calls, c => c.SequenceEqual(["Heading\nText"]));
        var row = Assert.Single(await _database.RowsAsync("SELECT part, memory_type, source_system, project_id, repo_id, embedding::text FROM embedding_1"));
        Assert.Equal([(short)0, "insight", "s", "p", "r"], row[..5]);
        Assert.Equal(StrangeModel.Vector("Heading\nText")[3], float.Parse(((string)row[5]!).Trim('[', ']').Split(',')[3], System.Globalization.CultureInfo.InvariantCulture), 3);
    }

    [Fact]
    public async Task A_long_text_gets_a_vector_for_each_of_its_parts()
    {
        await StartAsync();
        var content = string.Join("\n\n", Enumerable.Range(0, 200).Select(i => $"paragraph number {i} of a text that goes on and on"));
        // A stretch of nothing between two halves is no part.
        var gap = content + new string('\n', 500) + content;

        var plain = await Host.Memories.AddAsync(new NewMemory { Content = content }, Ct);
        var gapped = await Host.Memories.AddAsync(new NewMemory { Content = gap }, Ct);
        await ReadyAsync(plain.Id);
        await ReadyAsync(gapped.Id);

        var parts = await _database.RowsAsync("SELECT part FROM embedding_1 WHERE memory_id = $1 ORDER BY part", plain.Id);
        Assert.InRange(parts.Count, 30, 60);
        Assert.Equal(Enumerable.Range(0, parts.Count).Select(i => (object)(short)i), parts.Select(r => r[0]!));
        Assert.Equal(content, string.Concat(_model.Calls.SelectMany(c => c).Where(t => content.Contains(t, StringComparison.Ordinal) && !gap.StartsWith(t + "\n\n\n", StringComparison.Ordinal)).Take(parts.Count)));
        Assert.DoesNotContain(_model.Calls.SelectMany(c => c), string.IsNullOrWhiteSpace);
    }

    [Theory]
    [InlineData("poison", EmbeddingReasons.ModelError, "does not agree")]
    [InlineData("zero", EmbeddingReasons.ZeroVector, "zeros")]
    [InlineData("short", EmbeddingReasons.WrongDimensions, "7 dimensions")]
    [InlineData("undefined", EmbeddingReasons.NotFinite, "undefined")]
    [InlineData("endless", EmbeddingReasons.NotFinite, "undefined")]
    [InlineData("swallow", EmbeddingReasons.WrongCount, "0 vectors")]
    [InlineData("hang up", EmbeddingReasons.ModelError, "was cut")]
    public async Task One_bad_text_ends_among_the_dead_letters_and_its_neighbours_are_embedded(string bad, string reason, string error)
    {
        await StartAsync(("Embedding:MaxAttempts", "3"), ("Embedding:RetrySeconds", "0"));

        await Host.Memories.AddBatchAsync([.. Enumerable.Range(0, 60).Select(i => new NewMemory { Content = i == 30 ? $"the {bad} one" : $"good {i}" })], ct: Ct);

        var letter = Assert.Single((await Eventually.Async(() => Host.Admin.DeadLettersAsync(Ct), page => page.Items.Count > 0)).Items);
        await DrainedAsync();
        Assert.Equal((3, reason), (letter.Attempts, letter.Reason));
        Assert.Contains(error, letter.Error, StringComparison.Ordinal);
        Assert.Equal([(reason, 0, 1)], (await Host.Admin.EmbeddingsAsync(Ct)).Queue.Reasons.Select(r => (r.Reason, r.Waiting, r.Failed)));
        Assert.Equal("failed", (await Host.Memories.GetAsync(letter.MemoryId, Ct)).Embedding);
        Assert.Equal(59, await CountAsync());
        // Halves of halves, not one by one: the first attempt takes some calls for sixty texts, the others one each and a plain word.
        Assert.InRange(_model.Calls.Count, 3, 30);
    }

    [Fact]
    public async Task The_health_document_counts_what_waits_and_what_failed_and_a_failure_only_degrades()
    {
        await StartAsync(("Embedding:MaxAttempts", "1"));
        var ready = await Host.Memories.AddAsync(new NewMemory { Content = "fine" }, Ct);
        await ReadyAsync(ready.Id);
        var empty = await PartAsync();
        await Host.Memories.AddAsync(new NewMemory { Content = "poison" }, Ct);
        await Eventually.Async(async () => (await Host.Admin.EmbeddingsAsync(Ct)).Queue.Failed == 1);
        var failed = await PartAsync();

        Assert.Equal(("healthy", """{"depth":0,"oldestSeconds":0.0,"failed":0}"""), ((string?)empty["status"], empty["metadata"]!.ToJsonString()));
        Assert.Equal(("degraded", 1), ((string?)failed["status"], (int)failed["metadata"]!["failed"]!));
        Assert.Contains("/api/v1/embeddings/dead-letters", (string?)failed["message"], StringComparison.Ordinal);

        async Task<JsonNode> PartAsync() =>
            Assert.Single((await Host.Http.FetchAsync("/health")).Body!["components"]!.AsArray(), c => (string?)c!["name"] == "queue")!;
    }

    [Fact]
    public async Task A_dead_letter_is_tried_again_when_asked_for()
    {
        await StartAsync(("Embedding:MaxAttempts", "1"));
        var first = await Host.Memories.AddAsync(new NewMemory { Content = "poison 1" }, Ct);
        var second = await Host.Memories.AddAsync(new NewMemory { Content = "poison 2" }, Ct);
        await Eventually.Async(async () => (await Host.Admin.EmbeddingsAsync(Ct)).Queue.Failed == 2);
        var page = await Host.Http.FetchAsync("/embeddings/dead-letters?limit=1");
        var next = await Host.Http.FetchAsync($"/embeddings/dead-letters?limit=1&cursor={page.Body!["nextCursor"]}");
        // In either order: which of the two failed last is the workers' affair.
        Assert.Equal(
            new[] { first.Id.ToString(), second.Id.ToString() }.Order(StringComparer.Ordinal),
            ((JsonNode?[])[page.Body["items"]![0], next.Body!["items"]![0]]).Select(l => (string?)l!["memoryId"]).Order(StringComparer.Ordinal));
        Assert.Null(next.Body["nextCursor"]);

        _model.Immune = true;
        Assert.Equal(1, (await Host.Admin.RetryDeadLettersAsync([first.Id], Ct)).Requeued);
        await ReadyAsync(first.Id);
        Assert.Equal("failed", (await Host.Memories.GetAsync(second.Id, Ct)).Embedding);
        Assert.Equal(1, (int?)(await Host.Http.AskAsync(HttpMethod.Post, "/embeddings/dead-letters:retry")).Body!["requeued"]);
        await ReadyAsync(second.Id);
        Assert.Empty((await Host.Admin.DeadLettersAsync(Ct)).Items);
    }

    [Fact]
    public async Task A_patch_while_its_memory_is_embedded_leaves_no_stale_vector()
    {
        await StartAsync();
        await DrainedAsync();
        _model.Close();
        var memory = await Host.Memories.AddAsync(new NewMemory { Content = "old text" }, Ct);
        await Eventually.Async(() => Task.FromResult(_model.Waiting == 1));

        await Host.Memories.PatchAsync(memory.Id, new { content = "new text" }, 1, Ct);
        await Eventually.Async(() => Task.FromResult(_model.Waiting == 2));
        _model.Open();
        await DrainedAsync();

        Assert.Equal(1, await CountAsync());
        Assert.Equal(Round(StrangeModel.Vector("new text")), Round(await VectorAsync(memory.Id)));
    }

    [Fact]
    public async Task A_memory_deleted_while_it_is_embedded_leaves_no_vector_and_a_restored_one_gets_it_back()
    {
        await StartAsync();
        await DrainedAsync();
        _model.Close();
        var memory = await Host.Memories.AddAsync(new NewMemory { Content = "text" }, Ct);
        await Eventually.Async(() => Task.FromResult(_model.Waiting == 1));

        await Host.Memories.DeleteAsync(memory.Id, Ct);
        _model.Open();
        await Eventually.Async(() => Task.FromResult(_model.Calls.Any(c => c.Contains("text"))));
        await DrainedAsync();
        Assert.Equal(0, await CountAsync());

        await Host.Memories.RestoreAsync(memory.Id, Ct);
        await ReadyAsync(memory.Id);
        Assert.Equal(1, await CountAsync());
        await Host.Memories.DeleteAsync(memory.Id, Ct);
        Assert.Equal(0, await CountAsync());
        Assert.Equal((await Host.Memories.AddAsync(new NewMemory { Content = "text" }, Ct)).Id, await Eventually.Async(
            () => _database.ScalarAsync<Guid>("SELECT memory_id FROM embedding_1"), id => id != Guid.Empty));
    }

    [Fact]
    public async Task A_model_that_is_away_costs_no_attempts_and_is_waited_for()
    {
        _model.Away = true;
        await StartAsync(("Embedding:MaxAttempts", "1"));
        await Host.Memories.AddBatchAsync([.. Enumerable.Range(0, 20).Select(i => new NewMemory { Content = $"{i}" })], ct: Ct);
        await Eventually.Async(() => Task.FromResult(Said("Connection refused") > 0));
        var health = await Eventually.Async(() => Host.Http.FetchAsync("/health"), a => ((string?)a.Body!.ToJsonString())!.Contains("cannot be used", StringComparison.Ordinal));
        Assert.Equal((HttpStatusCode.OK, "degraded"), (health.Status, (string?)health.Body!["status"]));
        var reason = Assert.Single((await Eventually.Async(() => Host.Admin.EmbeddingsAsync(Ct), s => s.Queue is { Pending: 20, Reasons.Count: 1 })).Queue.Reasons);
        Assert.Equal((EmbeddingReasons.ModelAway, 20, 0, "Connection refused"), (reason.Reason, reason.Waiting, reason.Failed, reason.Example));

        _model.Away = false;
        await DrainedAsync();

        Assert.Equal(20, await CountAsync());
        Assert.Equal(1, Said("Connection refused"));
        Assert.Equal("healthy", (string?)(await Host.Http.FetchAsync("/health")).Body!["status"]);
    }

    [Fact]
    public async Task Another_model_than_the_memories_are_embedded_with_embeds_nothing()
    {
        await new EmbeddingSpaceStore(_database.DataSource).EnsureActiveAsync(new EmbeddingModel("builtin", "strange", "another digest", StrangeModel.Dimensions, "cosine", "none"), Ct);
        await StartAsync();

        var memory = await Host.Memories.AddAsync(new NewMemory { Content = "x" }, Ct);
        await Eventually.Async(() => Task.FromResult(Said("another dige") == 1));
        await Eventually.Async(() => Host.Admin.EmbeddingsAsync(Ct), s => s.Queue.Reasons.Any(r => r is { Reason: EmbeddingReasons.ModelChanged, Waiting: 1 }), "The reason");

        var health = await Host.Http.FetchAsync("/health");
        Assert.Equal((HttpStatusCode.OK, "degraded"), (health.Status, (string?)health.Body!["status"]));
        Assert.Equal("pending", (await Host.Memories.GetAsync(memory.Id, Ct)).Embedding);
        Assert.Empty(_model.Calls);
        Assert.Equal("another digest", Assert.Single((await Host.Admin.EmbeddingsAsync(Ct)).Spaces).Digest);
    }

    [Fact]
    public async Task The_status_counts_spaces_vectors_and_the_queue()
    {
        await StartAsync();
        await Host.Memories.AddBatchAsync([.. Enumerable.Range(0, 7).Select(i => new NewMemory { Content = $"{i}" })], ct: Ct);
        await DrainedAsync();

        var status = await Host.Admin.EmbeddingsAsync(Ct);

        var space = Assert.Single(status.Spaces);
        Assert.Equal(("strange", "d1", 8, "cosine", "active", 7L, "none"), (space.Model, space.Digest, space.Dimensions, space.Distance, space.State, space.Vectors, space.Index));
        Assert.Equal((0, 0, 0, null), (status.Queue.Pending, status.Queue.Running, status.Queue.Failed, status.Queue.OldestPending));
    }

    [Fact]
    public async Task A_worker_that_stops_gives_its_claim_back_at_once()
    {
        await StartAsync(("Embedding:LeaseSeconds", "3600"));
        await DrainedAsync();
        _model.Close();
        await Host.Memories.AddBatchAsync([.. Enumerable.Range(0, 10).Select(i => new NewMemory { Content = $"{i}" })], ct: Ct);
        await Eventually.Async(() => Task.FromResult(_model.Waiting > 0));

        await StopAsync();

        Assert.Equal(10, await _database.ScalarAsync<long>("SELECT count(*) FROM embedding_queue WHERE claim IS NULL AND claimed_until <= now() AND attempts = 0"));
    }

    [Fact]
    public async Task What_a_killed_worker_held_is_taken_over_when_its_lease_is_over()
    {
        await StartAsync(("Embedding:Workers", "0"));
        var queue = new EmbeddingQueueStore(_database.DataSource, new TenantScope());
        var space = await new EmbeddingSpaceStore(_database.DataSource).EnsureActiveAsync(StrangeModel.Info, Ct);
        await Host.Memories.AddBatchAsync([.. Enumerable.Range(0, 10).Select(i => new NewMemory { Content = $"{i}" })], ct: Ct);
        var dead = await queue.ClaimAsync(space, 100, long.MaxValue, TimeSpan.FromSeconds(1), Ct);
        Assert.Equal(10, dead.Jobs.Count);
        Assert.Empty((await queue.ClaimAsync(space, 100, long.MaxValue, TimeSpan.FromSeconds(1), Ct)).Jobs);
        await StopAsync();

        await StartAsync();
        await DrainedAsync();

        Assert.Equal(10, await CountAsync());
        // The dead one wakes up: what it hands in does not count any more.
        Assert.Equal(0, await queue.CompleteAsync(dead, [.. dead.Jobs.Select(j => new EmbeddedJob(j, [new float[] { 1, 1, 1, 1, 1, 1, 1, 1 }]))], Ct));
        Assert.Equal(10, await CountAsync());
    }

    [Fact]
    public async Task A_claim_that_takes_longer_than_its_lease_is_kept_by_its_worker()
    {
        await StartAsync(("Embedding:LeaseSeconds", "1"), ("Embedding:Workers", "2"));
        await DrainedAsync();
        _model.Close();
        var memory = await Host.Memories.AddAsync(new NewMemory { Content = "slow" }, Ct);
        var taken = await Eventually.Async(() => _database.ScalarAsync<DateTime>("SELECT claimed_until FROM embedding_queue WHERE claim IS NOT NULL"), t => t != default);

        // Renewed past its end twice, and still worked on by one worker only.
        await Eventually.Async(() => _database.ScalarAsync<DateTime>("SELECT claimed_until FROM embedding_queue"), t => t > taken.AddSeconds(2));
        Assert.Equal(1, _model.Waiting);
        _model.Open();

        await ReadyAsync(memory.Id);
        Assert.Single(_model.Calls, c => c.Contains("slow"));
    }

    [Fact]
    public async Task A_text_that_kills_its_worker_every_time_is_given_up()
    {
        await StartAsync(("Embedding:Workers", "0"));
        var space = await new EmbeddingSpaceStore(_database.DataSource).EnsureActiveAsync(StrangeModel.Info, Ct);
        var memory = await Host.Memories.AddAsync(new NewMemory { Content = "deadly" }, Ct);
        var queue = new EmbeddingQueueStore(_database.DataSource, new TenantScope());
        for (var death = 0; death < 15; death++)
        {
            Assert.Single((await queue.ClaimAsync(space, 1, 1, TimeSpan.Zero, Ct)).Jobs);
        }

        await StopAsync();
        await StartAsync(("Embedding:MaxAttempts", "5"));

        var letter = Assert.Single((await Eventually.Async(() => Host.Admin.DeadLettersAsync(Ct), p => p.Items.Count == 1)).Items);
        Assert.Equal(memory.Id, letter.MemoryId);
        Assert.Contains("15 attempts", letter.Error, StringComparison.Ordinal);
        Assert.Empty(_model.Calls);
    }

    [Fact]
    public async Task Many_workers_embed_each_memory_once()
    {
        await StartAsync(("Embedding:Workers", "8"), ("Embedding:ClaimItems", "7"));
        await using var second = await IngestHost.StartAsync(_database, _model, ("Embedding:Workers", "8"), ("Embedding:ClaimItems", "7"));

        await Host.Memories.AddBatchAsync([.. Enumerable.Range(0, 1_000).Select(i => new NewMemory { Content = $"text {i}" })], ct: Ct);
        await DrainedAsync();

        Assert.Equal(1_000, await CountAsync());
        var embedded = _model.Calls.SelectMany(c => c).ToList();
        Assert.Equal(1_000, embedded.Count);
        Assert.Equal(1_000, embedded.Distinct(StringComparer.Ordinal).Count());
    }

    private async Task StartAsync(params (string, string?)[] settings) => _running = await IngestHost.StartAsync(_database, _model, settings);

    private async Task StopAsync()
    {
        if (_running is not null)
        {
            await _running.DisposeAsync();
            _running = null;
        }
    }

    private Task<Memory> ReadyAsync(Guid id) => Eventually.Async(() => Host.Memories.GetAsync(id, Ct), m => m.Embedding == "ready", "Embedding");

    private async Task DrainedAsync()
    {
        await Eventually.Async(async () => await _database.ScalarAsync<long>("SELECT count(*) FROM embedding_spaces") == 1);
        await Eventually.Async(async () => await _database.ScalarAsync<long>("SELECT count(*) FROM embedding_queue WHERE failed_at IS NULL") == 0, "An empty queue");
    }

    /// <summary>How often the worker warned of it; whoever asks for the health hears it each time.</summary>
    private int Said(string what) =>
        Host.Log.Lines.Count(l => l.Level == LogLevel.Warning && l.Category.EndsWith(nameof(EmbeddingWorker), StringComparison.Ordinal) && l.Text.Contains(what, StringComparison.Ordinal));

    private Task<long> CountAsync() => _database.ScalarAsync<long>("SELECT count(*) FROM embedding_1");

    private async Task<float[]> VectorAsync(Guid id) =>
        [.. ((string)(await _database.RowsAsync("SELECT embedding::text FROM embedding_1 WHERE memory_id = $1", id))[0][0]!).Trim('[', ']').Split(',')
            .Select(n => float.Parse(n, System.Globalization.CultureInfo.InvariantCulture))];

    // What a half keeps.
    private static float[] Round(float[] vector) => [.. vector.Select(x => (float)Math.Round(x, 3))];
}
