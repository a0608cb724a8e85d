using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.Ingest.Tests;

/// <summary>The queue against a server that speaks Ollama's wire, in every way it can go wrong.</summary>
public sealed class OllamaQueueTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;
    private readonly OllamaServer _ollama = new();
    private TestDatabase _database = null!;
    private TestHost? _running;

    private TestHost Host => _running!;

    public async ValueTask InitializeAsync()
    {
        _database = await postgres.CreateDatabaseAsync();
        await _ollama.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _ollama.Behaviour.Release();
        if (_running is not null)
        {
            await _running.DisposeAsync();
        }

        await _ollama.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Theory]
    [InlineData(StandInAnswer.TooFew, EmbeddingReasons.WrongCount)]
    [InlineData(StandInAnswer.TooMany, EmbeddingReasons.WrongCount)]
    [InlineData(StandInAnswer.NoVectors, EmbeddingReasons.WrongCount)]
    [InlineData(StandInAnswer.NaNRefused, EmbeddingReasons.NotFinite)]
    [InlineData(StandInAnswer.NaNWritten, EmbeddingReasons.BadAnswer)]
    [InlineData(StandInAnswer.BeyondHalf, EmbeddingReasons.NotFinite)]
    [InlineData(StandInAnswer.Zeros, EmbeddingReasons.ZeroVector)]
    [InlineData(StandInAnswer.OtherDimensions, EmbeddingReasons.WrongDimensions)]
    [InlineData(StandInAnswer.NotJson, EmbeddingReasons.BadAnswer)]
    [InlineData(StandInAnswer.ModelMissing, EmbeddingReasons.ModelMissing)]
    [InlineData(StandInAnswer.ServerError, EmbeddingReasons.ModelError)]
    [InlineData(StandInAnswer.CutHalfway, EmbeddingReasons.ModelAway)]
    public async Task A_wrong_answer_is_a_reason_in_the_queue_and_never_a_vector(StandInAnswer answer, string reason)
    {
        await StartAsync();
        await Host.Memories.AddAsync(new NewMemory { Content = "before" }, Ct);
        await DrainedAsync();

        _ollama.Behaviour.Answer(answer);
        await Host.Memories.AddBatchAsync([.. Enumerable.Range(0, 5).Select(i => new NewMemory { Content = $"memory {i}" })], ct: Ct);
        var queue = (await Eventually.Async(() => Host.Admin.EmbeddingsAsync(Ct), s => s.Queue.Reasons.Count > 0, "The reason")).Queue;
        var why = Assert.Single(queue.Reasons);
        Assert.Equal((reason, 0), (why.Reason, queue.Failed));
        Assert.False(string.IsNullOrWhiteSpace(why.Example));
        Assert.Equal(1, await CountAsync());

        _ollama.Behaviour.Answer(StandInAnswer.Right);
        await DrainedAsync();
        Assert.Equal(6, await CountAsync());
    }

    [Fact]
    public async Task A_poison_text_ends_among_the_dead_letters_with_its_error()
    {
        _ollama.Behaviour.Poison("poison");
        await StartAsync(("Embedding:MaxAttempts", "2"), ("Embedding:RetrySeconds", "0"));

        await Host.Memories.AddBatchAsync([.. Enumerable.Range(0, 20).Select(i => new NewMemory { Content = i == 7 ? "a poison text" : $"memory {i}" })], ct: Ct);

        var letter = Assert.Single((await Eventually.Async(() => Host.Admin.DeadLettersAsync(Ct), p => p.Items.Count > 0)).Items);
        await DrainedAsync();
        Assert.Equal((EmbeddingReasons.ModelError, 2), (letter.Reason, letter.Attempts));
        Assert.Equal(19, await CountAsync());
    }

    [Fact]
    public async Task What_is_written_while_the_server_is_gone_is_embedded_once_it_is_back()
    {
        await _ollama.StopAsync();
        await StartAsync();
        await Host.Memories.AddBatchAsync([.. Enumerable.Range(0, 300).Select(i => new NewMemory { Content = $"memory {i}" })], ct: Ct);
        await Eventually.Async(() => Host.Admin.EmbeddingsAsync(Ct), s => s.Provider is { State: EmbeddingProviderStates.Away }, "A provider that is away");
        Assert.Empty((await Host.Admin.EmbeddingsAsync(Ct)).Spaces);

        await _ollama.StartAsync();
        await DrainedAsync();
        await _ollama.StopAsync();
        await Host.Memories.AddAsync(new NewMemory { Content = "while it is gone again" }, Ct);
        await Eventually.Async(() => Host.Admin.EmbeddingsAsync(Ct), s => s.Queue.Reasons.Any(r => r is { Reason: EmbeddingReasons.ModelAway, Waiting: 1 }), "The reason");
        await _ollama.StartAsync();
        await DrainedAsync();

        Assert.Equal((301, 301), (await CountAsync(), await _database.ScalarAsync<long>("SELECT count(DISTINCT memory_id) FROM embedding_1")));
        Assert.Equal(("ollama", 768), ((await Host.Admin.EmbeddingsAsync(Ct)).Spaces[0].Provider, (await Host.Admin.EmbeddingsAsync(Ct)).Spaces[0].Dimensions));
    }

    [Fact]
    public async Task A_model_pulled_anew_is_another_one_and_gets_a_space_of_its_own()
    {
        await StartAsync();
        await Host.Memories.AddAsync(new NewMemory { Content = "before" }, Ct);
        await DrainedAsync();

        _ollama.Add(StandInModel.NomicEmbedText.Version(2));
        await Host.Memories.AddAsync(new NewMemory { Content = "after" }, Ct);
        await Eventually.Async(() => Host.Admin.EmbeddingsAsync(Ct), s => s.Queue.Reasons.Any(r => r.Reason == EmbeddingReasons.ModelChanged), "The reason");
        Assert.Equal(1, await CountAsync());

        var operation = await Host.Admin.AddSpaceAsync(new AddEmbeddingSpaceRequest { Model = StandInModel.NomicEmbedText.Name }, Ct);
        await Eventually.Async(() => Host.Operations.GetAsync(operation.Id, Ct), o => o.State == OperationStates.Completed, "A filled space");
        await Host.Admin.ActivateSpaceAsync(2, ct: Ct);

        Assert.Equal(2, await _database.ScalarAsync<long>("SELECT count(*) FROM embedding_2"));
        Assert.Equal(1, await CountAsync());
        Assert.Equal(EmbeddingProviderStates.Ready, (await Eventually.Async(() => Host.Admin.EmbeddingsAsync(Ct), s => s.Provider?.State == EmbeddingProviderStates.Ready)).Provider!.State);
    }

    private async Task StartAsync(params (string, string?)[] settings) => _running = await IngestHost.StartAsync(
        _database,
        [
            ("Embedding:Provider", EmbeddingProviders.Ollama), ("Embedding:Ollama:Url", _ollama.Url), ("Embedding:Model", StandInModel.NomicEmbedText.Name),
            ("Embedding:Ollama:Retries", "0"), ("Embedding:Ollama:BreakSeconds", "0.5"), .. settings,
        ]);

    private async Task DrainedAsync()
    {
        await Eventually.Async(async () => await _database.ScalarAsync<long>("SELECT count(*) FROM embedding_spaces WHERE filled_at IS NOT NULL") >= 1);
        await Eventually.Async(async () => await _database.ScalarAsync<long>("SELECT count(*) FROM embedding_queue WHERE failed_at IS NULL") == 0, "An empty queue");
    }

    private Task<long> CountAsync() => _database.ScalarAsync<long>("SELECT count(*) FROM embedding_1");
}
