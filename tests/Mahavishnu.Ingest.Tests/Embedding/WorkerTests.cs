using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Mahavishnu.Ingest.Tests;

/// <summary>The worker and its model: how much at a time, what is never stored, what is not asked twice.</summary>
public sealed class WorkerTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;
    private StrangeModel _model = new();
    private TestDatabase _database = null!;
    private TestHost? _running;

    private TestHost Host => _running!;

    public async ValueTask InitializeAsync() => _database = await postgres.CreateDatabaseAsync();

    public async ValueTask DisposeAsync()
    {
        _model.Open();
        if (_running is not null)
        {
            await _running.DisposeAsync();
        }

        await _database.DisposeAsync();
    }

    [Fact]
    public async Task The_model_gets_as_many_calls_at_a_time_as_it_takes_and_no_more()
    {
        _model = new StrangeModel { Concurrency = 3 };
        await StartAsync(("Embedding:TextsPerCall", "2"), ("Embedding:ClaimItems", "8"));
        await AddAsync("first");
        await DrainedAsync();
        _model.Close();
        await Host.Memories.AddBatchAsync([.. Enumerable.Range(0, 100).Select(i => new NewMemory { Content = $"memory {i}" })], ct: Ct);

        await Eventually.Async(() => Task.FromResult(_model.Waiting), n => n == 3, "Three calls at a time");
        _model.Open();
        await DrainedAsync();

        Assert.Equal(3, _model.MostInCall);
        Assert.Equal(101, await CountAsync());
    }

    [Theory]
    [InlineData("short", EmbeddingReasons.WrongDimensions)]
    [InlineData("zero", EmbeddingReasons.ZeroVector)]
    [InlineData("undefined", EmbeddingReasons.NotFinite)]
    [InlineData("swallow", EmbeddingReasons.WrongCount)]
    public async Task A_model_that_is_always_wrong_stores_nothing_costs_no_attempt_and_is_waited_for(string always, string reason)
    {
        _model.Always = always;
        await StartAsync(("Embedding:MaxAttempts", "1"));
        await Host.Memories.AddBatchAsync([.. Enumerable.Range(0, 20).Select(i => new NewMemory { Content = $"memory {i}" })], ct: Ct);

        var queue = (await Eventually.Async(() => Host.Admin.EmbeddingsAsync(Ct), s => s.Queue.Reasons.Count > 0, "The reason")).Queue;
        Assert.Equal((reason, 0), (Assert.Single(queue.Reasons).Reason, queue.Failed));
        Assert.Equal(0, await CountAsync());
        // One call shows it, and a plain word who is at fault; the texts are not tried one by one.
        Assert.InRange(_model.Calls.Count, 2, 30);
        _model.Always = null;

        await DrainedAsync();
        Assert.Equal(20, await CountAsync());
        Assert.Empty((await Host.Admin.DeadLettersAsync(Ct)).Items);
    }

    [Fact]
    public async Task A_model_that_is_replaced_while_it_works_stores_nothing_of_the_new_one()
    {
        _model = new StrangeModel { WorthCaching = true };
        await StartAsync();
        await AddAsync("before");
        await DrainedAsync();
        _model.OnCall = texts =>
        {
            if (texts.Contains("during"))
            {
                _model.Put(StrangeModel.Info.Model, "another digest", StrangeModel.Dimensions);
            }
        };

        await AddAsync("during");
        var queue = (await Eventually.Async(() => Host.Admin.EmbeddingsAsync(Ct), s => s.Queue.Reasons.Count > 0, "The reason")).Queue;

        Assert.Equal((EmbeddingReasons.ModelChanged, 1L), (Assert.Single(queue.Reasons).Reason, queue.Pending));
        Assert.Equal((1, 1), (await CountAsync(), await _database.ScalarAsync<long>("SELECT count(*) FROM embedding_cache")));
        _model.OnCall = null;
        _model.Put(StrangeModel.Info.Model, StrangeModel.Info.Digest, StrangeModel.Dimensions);
        await DrainedAsync();
        Assert.Equal(2, await CountAsync());
    }

    [Fact]
    public async Task The_same_text_is_embedded_once_within_a_claim_and_later()
    {
        _model = new StrangeModel { WorthCaching = true };
        await StartAsync();
        await AddAsync("first");
        await DrainedAsync();
        _model.Close();
        await Host.Memories.AddBatchAsync([.. Enumerable.Range(0, 20).Select(i => new NewMemory { Content = "the same", ProjectId = $"p{i}" })], ct: Ct);
        _model.Open();
        await DrainedAsync();
        var asked = _model.Calls.SelectMany(c => c).Count(t => t == "the same");

        await Host.Memories.AddAsync(new NewMemory { Content = "the same", ProjectId = "later" }, Ct);
        await DrainedAsync();

        Assert.Equal(22, await CountAsync());
        Assert.Equal(1, await _database.ScalarAsync<long>("SELECT count(DISTINCT embedding::text) FROM embedding_1 JOIN memories ON id = memory_id WHERE content = 'the same'"));
        Assert.InRange(asked, 1, 3); // as many as claims that met it for the first time at once
        Assert.Equal(asked, _model.Calls.SelectMany(c => c).Count(t => t == "the same"));
    }

    [Fact]
    public async Task With_no_room_nothing_is_kept_and_a_model_that_is_quick_is_not_looked_up()
    {
        _model = new StrangeModel { WorthCaching = true };
        await StartAsync(("Embedding:CacheRows", "0"));
        await AddAsync("one");
        await DrainedAsync();

        Assert.Equal(0, await _database.ScalarAsync<long>("SELECT count(*) FROM embedding_cache"));
    }

    [Fact]
    public async Task A_text_that_the_model_finds_too_long_is_embedded_in_shorter_parts()
    {
        _model.MostCharacters = 100;
        await StartAsync(("Embedding:MaxAttempts", "1"));
        var content = string.Join(' ', Enumerable.Range(0, 60).Select(i => $"word{i}"));

        var memory = await Host.Memories.AddAsync(new NewMemory { Content = content }, Ct);
        await Host.Memories.AddAsync(new NewMemory { Content = "a neighbour" }, Ct);
        await DrainedAsync();

        var parts = await _database.ScalarAsync<long>("SELECT count(*) FROM embedding_1 WHERE memory_id = $1", memory.Id);
        Assert.InRange(parts, 5, 20);
        Assert.Empty((await Host.Admin.DeadLettersAsync(Ct)).Items);
        Assert.Equal("ready", (await Host.Memories.GetAsync(memory.Id, Ct)).Embedding);
    }

    [Fact]
    public async Task A_text_that_is_too_long_however_short_is_given_up()
    {
        _model.MostCharacters = 5;
        await StartAsync(("Embedding:MaxAttempts", "1"));

        await AddAsync("sesquipedalian");

        var letter = Assert.Single((await Eventually.Async(() => Host.Admin.DeadLettersAsync(Ct), p => p.Items.Count > 0)).Items);
        Assert.Equal((EmbeddingReasons.TextRefused, "That is too long for me."), (letter.Reason, letter.Error));
    }

    [Fact]
    public async Task While_an_import_runs_the_built_in_model_works_on_one_thing_at_a_time()
    {
        _model = new StrangeModel { Concurrency = 4 };
        await StartAsync(("Embedding:TextsPerCall", "2"), ("Embedding:ClaimItems", "8"));
        await AddAsync("first");
        await DrainedAsync();
        await _database.ExecuteAsync(
            "INSERT INTO operations (id, kind, subject, state, claimed_until) VALUES (gen_random_uuid(), 'import', 'x', 'running', now() + interval '1 hour')");
        var worker = Host.Services.GetServices<IHostedService>().OfType<EmbeddingWorker>().Single();
        await Eventually.Async(() => Task.FromResult(worker.Yields), "Standing back");
        _model.Close();
        await Host.Memories.AddBatchAsync([.. Enumerable.Range(0, 50).Select(i => new NewMemory { Content = $"memory {i}" })], ct: Ct);
        await Eventually.Async(() => Task.FromResult(_model.Waiting == 1), "A call");
        _model.Open();
        await DrainedAsync();
        Assert.Equal(1, _model.MostInCall);

        await _database.ExecuteAsync("UPDATE operations SET state = 'completed'");
        await Eventually.Async(() => Task.FromResult(!worker.Yields), "Going on");
        _model.Close();
        await Host.Memories.AddBatchAsync([.. Enumerable.Range(50, 50).Select(i => new NewMemory { Content = $"memory {i}" })], ct: Ct);
        await Eventually.Async(() => Task.FromResult(_model.Waiting), n => n == 4, "Four calls at a time");
    }

    [Fact]
    public async Task The_rate_is_that_of_the_last_minute()
    {
        await StartAsync();
        Assert.Null((await Host.Admin.EmbeddingsAsync(Ct)).Queue.RatePerSecond);

        await Host.Memories.AddBatchAsync([.. Enumerable.Range(0, 50).Select(i => new NewMemory { Content = $"memory {i}" })], ct: Ct);
        await DrainedAsync();

        Assert.InRange((await Host.Admin.EmbeddingsAsync(Ct)).Queue.RatePerSecond!.Value, 0.8, 50);
    }

    [Fact]
    public async Task A_writer_that_is_killed_with_its_claim_loses_nothing_and_nothing_is_there_twice()
    {
        var spaces = new EmbeddingSpaceStore(_database.DataSource);
        var queue = new EmbeddingQueueStore(_database.DataSource, new TenantScope());
        await StartAsync(("Embedding:Workers", "0"));
        var space = await spaces.EnsureActiveAsync(StrangeModel.Info, Ct);
        await Host.Memories.AddBatchAsync([.. Enumerable.Range(0, 100).Select(i => new NewMemory { Content = $"memory {i}" })], ct: Ct);
        // Dead between two statements, again and again, at every moment there is.
        var before = await queue.ClaimAsync(space, 30, long.MaxValue, TimeSpan.FromSeconds(1), Ct);
        var during = await queue.ClaimAsync(space, 30, long.MaxValue, TimeSpan.FromSeconds(1), Ct);
        await queue.CompleteAsync(during, [.. during.Jobs.Take(10).Select(j => new EmbeddedJob(j, [StrangeModel.Vector(j.Content)]))], Ct);
        Assert.Equal((30, 30), (before.Jobs.Count, during.Jobs.Count));
        await Host.DisposeAsync();

        await StartAsync();
        await DrainedAsync();

        Assert.Equal((100, 100), (await CountAsync(), await _database.ScalarAsync<long>("SELECT count(DISTINCT memory_id) FROM embedding_1")));
    }

    private async Task StartAsync(params (string, string?)[] settings) => _running = await IngestHost.StartAsync(_database, _model, settings);

    private Task<Memory> AddAsync(string content) => Host.Memories.AddAsync(new NewMemory { Content = content }, Ct);

    private async Task DrainedAsync()
    {
        await Eventually.Async(async () => await _database.ScalarAsync<long>("SELECT count(*) FROM embedding_spaces") == 1);
        await Eventually.Async(async () => await _database.ScalarAsync<long>("SELECT count(*) FROM embedding_queue WHERE failed_at IS NULL") == 0, "An empty queue");
    }

    private Task<long> CountAsync() => _database.ScalarAsync<long>("SELECT count(*) FROM embedding_1");
}
