using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.Embeddings.Tests;

/// <summary>A server that stumbles, hangs, is full or gone: what is tried again, for how long, and how many at a time.</summary>
public sealed class ResilienceTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(StandInAnswer.Busy)]
    [InlineData(StandInAnswer.TooManyRequests)]
    [InlineData(StandInAnswer.CutHalfway)]
    public async Task What_passes_is_tried_again(StandInAnswer answer)
    {
        await using var world = await OllamaWorld.StartAsync(("Embedding:Ollama:Retries", "2"));
        var client = await world.OpenAsync();
        world.Server.Behaviour.Answer(answer, times: 2);

        Assert.Single(await client.Documents.GenerateAsync(["one"], cancellationToken: Ct));
        Assert.Equal(["one", "one", "one"], world.Server.Record.Texts);
    }

    [Theory]
    [InlineData(StandInAnswer.ServerError)]
    [InlineData(StandInAnswer.NaNRefused)]
    [InlineData(StandInAnswer.ModelMissing)]
    [InlineData(StandInAnswer.TooFew)]
    public async Task What_would_come_again_is_not(StandInAnswer answer)
    {
        await using var world = await OllamaWorld.StartAsync();
        var client = await world.OpenAsync();
        world.Server.Behaviour.Answer(answer);

        await Assert.ThrowsAsync<EmbeddingModelException>(() => client.Documents.GenerateAsync(["one"], cancellationToken: Ct));

        Assert.Single(world.Server.Record.Calls);
    }

    [Fact]
    public async Task Between_two_tries_there_is_a_pause_that_grows()
    {
        var time = new ManualTime();
        await using var world = await OllamaWorld.StartAsync(null, time, ("Embedding:Ollama:RetrySeconds", "1"));
        var client = await world.OpenAsync();
        world.Server.Behaviour.Answer(StandInAnswer.Busy);

        var call = client.Documents.GenerateAsync(["one"], cancellationToken: Ct);
        foreach (var tries in Enumerable.Range(1, 3))
        {
            await Eventually.Async(() => Task.FromResult(world.Server.Record.Calls.Count == tries && world.Server.Record.Now == 0 && time.Waiting(TimeSpan.FromSeconds(11)) > 0));
            // The shortest pause is over 0: nothing comes while the clock stands.
            Assert.Equal(tries, world.Server.Record.Calls.Count);
            time.Advance(TimeSpan.FromSeconds(11));
        }

        var busy = await Assert.ThrowsAsync<EmbeddingModelException>(() => call);
        Assert.Equal(EmbeddingReasons.ModelAway, busy.Reason);
        Assert.Equal(4, world.Server.Record.Calls.Count);
    }

    [Fact]
    public async Task A_call_that_takes_too_long_is_given_up_and_not_tried_again()
    {
        var time = new ManualTime();
        await using var world = await OllamaWorld.StartAsync(null, time, ("Embedding:Ollama:TimeoutSeconds", "60"));
        var client = await world.OpenAsync();
        world.Server.Behaviour.Answer(StandInAnswer.Silence);

        var call = client.Documents.GenerateAsync(["one"], cancellationToken: Ct);
        await Eventually.Async(() => Task.FromResult(world.Server.Record.Now == 1));
        time.Advance(TimeSpan.FromSeconds(61));

        var late = await Assert.ThrowsAsync<EmbeddingModelException>(() => call);
        Assert.Equal(EmbeddingReasons.ModelAway, late.Reason);
        Assert.Contains("did not answer within 60 s", late.Message, StringComparison.Ordinal);
        await Eventually.Async(() => Task.FromResult(world.Server.Record.Now == 0), "The end of the call at the server");
        Assert.Single(world.Server.Record.Calls);
    }

    [Fact]
    public async Task A_server_that_is_gone_is_left_alone_until_a_while_has_passed()
    {
        var time = new ManualTime();
        await using var world = await OllamaWorld.StartAsync(null, time, ("Embedding:Ollama:Retries", "0"), ("Embedding:Ollama:BreakSeconds", "10"));
        var client = await world.OpenAsync();
        // What went well before is forgotten.
        time.Advance(TimeSpan.FromMinutes(1));
        world.Server.Behaviour.Answer(StandInAnswer.Busy);
        for (var i = 0; i < 5; i++)
        {
            await Assert.ThrowsAsync<EmbeddingModelException>(() => client.Documents.GenerateAsync(["one"], cancellationToken: Ct));
        }

        world.Server.Behaviour.Answer(StandInAnswer.Right);
        var open = await Assert.ThrowsAsync<EmbeddingModelException>(() => client.Documents.GenerateAsync(["one"], cancellationToken: Ct));
        var question = await Assert.ThrowsAsync<EmbeddingModelException>(() => client.Questions.GenerateAsync(["one"], cancellationToken: Ct));

        Assert.Equal(EmbeddingReasons.ModelAway, open.Reason);
        Assert.Contains("left alone for a moment", question.Message, StringComparison.Ordinal);
        Assert.Equal(5, world.Server.Record.Calls.Count);
        time.Advance(TimeSpan.FromSeconds(11));
        Assert.Single(await client.Documents.GenerateAsync(["one"], cancellationToken: Ct));
    }

    [Fact]
    public async Task Errors_of_texts_do_not_open_the_circuit()
    {
        await using var world = await OllamaWorld.StartAsync();
        var client = await world.OpenAsync();
        world.Server.Behaviour.Answer(StandInAnswer.ServerError, times: 20);
        for (var i = 0; i < 20; i++)
        {
            var failed = await Assert.ThrowsAsync<EmbeddingModelException>(() => client.Documents.GenerateAsync(["one"], cancellationToken: Ct));
            Assert.Equal(EmbeddingReasons.ModelError, failed.Reason);
        }

        Assert.Single(await client.Documents.GenerateAsync(["one"], cancellationToken: Ct));
    }

    [Fact]
    public async Task Documents_take_all_their_places_and_no_more_and_a_question_is_not_behind_them()
    {
        await using var world = await OllamaWorld.StartAsync(("Embedding:Ollama:Concurrency", "3"));
        world.Server.Behaviour.Parallel = 16;
        var (one, other) = (await world.OpenAsync(OllamaWorld.Nomic), await world.OpenAsync(OllamaWorld.MiniLm));
        world.Server.Behaviour.Hold();

        // Two models, one server: the places are the server's.
        var documents = Enumerable.Range(0, 12).Select(i => (i % 2 == 0 ? one : other).Documents.GenerateAsync([$"document {i}"], cancellationToken: Ct)).ToList();
        await Eventually.Async(() => Task.FromResult(world.Server.Record.Now == 3));
        var question = one.Questions.GenerateAsync(["question"], cancellationToken: Ct);
        await Eventually.Async(() => Task.FromResult(world.Server.Record.Texts.Contains("search_query: question")));
        Assert.Equal(4, world.Server.Record.Now);
        world.Server.Behaviour.Release();
        await question;
        await Task.WhenAll(documents);

        Assert.Equal(3, one.Concurrency);
        Assert.Equal(12, world.Server.Record.Texts.Count(t => t.Contains("document ", StringComparison.Ordinal)));
        Assert.InRange(world.Server.Record.Most, 3, 4);
    }

    [Fact]
    public async Task Who_gives_up_waiting_frees_the_place()
    {
        await using var world = await OllamaWorld.StartAsync(("Embedding:Ollama:Concurrency", "1"));
        var client = await world.OpenAsync();
        world.Server.Behaviour.Hold();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var first = client.Documents.GenerateAsync(["one"], cancellationToken: over.Token);
        await Eventually.Async(() => Task.FromResult(world.Server.Record.Now == 1));
        var second = client.Documents.GenerateAsync(["two"], cancellationToken: over.Token);

        await over.CancelAsync();
        world.Server.Behaviour.Release();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.Single(await client.Documents.GenerateAsync(["three"], cancellationToken: Ct));
        Assert.Equal(["one", "three"], world.Server.Record.Texts);
    }

    [Fact]
    public async Task One_server_that_hangs_keeps_nobody_from_another_model()
    {
        await using var world = await OllamaWorld.StartAsync();
        var hanging = await world.DescribeAsync(OllamaWorld.Nomic);
        var builtin = await world.Models.DescribeAsync("builtin", null, null, "cosine", Ct);
        world.Server.Behaviour.HoldAsked();

        var opening = world.Models.OpenAsync(hanging, Ct);
        var again = world.Models.OpenAsync(hanging, Ct);
        Assert.Equal(768, (await world.Models.OpenAsync(builtin, Ct)).Model.Dimensions);
        Assert.False(opening.IsCompleted);
        world.Server.Behaviour.ReleaseAsked();

        Assert.Same(await opening, await again);
    }

    [Fact]
    public async Task A_model_that_could_not_be_opened_is_opened_when_its_server_comes_back()
    {
        await using var world = await OllamaWorld.StartAsync(("Embedding:Ollama:Retries", "0"));
        var model = await world.DescribeAsync(OllamaWorld.MiniLm);
        await world.Server.StopAsync();

        var away = await Assert.ThrowsAsync<EmbeddingModelException>(() => world.Models.OpenAsync(model, Ct));
        await world.Server.StartAsync();
        var client = await world.Models.OpenAsync(model, Ct);

        Assert.Equal(EmbeddingReasons.ModelAway, away.Reason);
        Assert.Single(await client.Documents.GenerateAsync(["one"], cancellationToken: Ct));
    }
}
