using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.Cli.Tests;

/// <summary>The verbs of embedding spaces and pinned questions against a service that runs.</summary>
[Collection(EnvironmentCollection.Name)]
public sealed class EmbeddingVerbTests(PostgresFixture postgres)
{
    [Fact]
    public async Task The_spaces_and_their_queues_are_listed()
    {
        await using var service = await RunningService.StartAsync(postgres);
        await service.RememberAsync("Lean the ladder at seventy-five degrees.");

        var list = await service.RunAsync("embeddings", "list");
        var json = await service.RunAsync("embeddings", "list", "--json");
        var status = await service.RunAsync("embeddings", "status");
        var failed = await service.RunAsync("embeddings", "failed");
        var retry = await service.RunAsync("embeddings", "retry", "--json");

        Assert.Contains("builtin-hash-v1", list.Out, StringComparison.Ordinal);
        var space = Assert.Single(JsonSerializer.Deserialize<EmbeddingSpaceInfo[]>(json.Out, WireJson.Lenient)!);
        Assert.Equal((EmbeddingSpaceStates.Active, 1L), (space.State, space.Vectors));
        Assert.Contains($"space {space.Id} (builtin-hash-v1, {space.Dimensions} dimensions, active): 0 pending, 0 running, 0 failed", status.Out, StringComparison.Ordinal);
        Assert.Contains("no memory has failed", failed.Error, StringComparison.Ordinal);
        Assert.Equal(0, JsonSerializer.Deserialize<RetryResult>(retry.Out, WireJson.Lenient)!.Requeued);
        Assert.All([list, json, status, failed, retry], run => Assert.Equal(ExitCode.Done, run.Code));
    }

    [Theory]
    [InlineData("compare")]
    [InlineData("activate")]
    [InlineData("index")]
    [InlineData("drop")]
    public async Task A_space_that_is_not_there_is_an_error_that_says_which_are(string verb)
    {
        await using var service = await RunningService.StartAsync(postgres);
        await service.RememberAsync("Lean the ladder at seventy-five degrees.");

        var run = await service.RunAsync("embeddings", verb, "bge-m3");

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains("there is no embedding space bge-m3; there are 1 (builtin-hash-v1", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_index_is_built_as_asked_for_and_shown()
    {
        await using var service = await RunningService.StartAsync(postgres);
        await service.RememberAsync("Lean the ladder at seventy-five degrees.");

        var build = await service.RunAsync("embeddings", "index", "1", "--kind", "ivfflat", "--lists", "7");
        var list = await service.RunAsync("embeddings", "list", "--json");
        var status = await service.RunAsync("embeddings", "status");
        var accepted = await service.RunAsync("embeddings", "index", "builtin", "--no-wait");
        var wrong = await service.RunAsync("embeddings", "index", "1", "--kind", "hnsw", "--lists", "7");

        // One vector fills one list.
        Assert.Contains("index ivfflat, 1 of 1 lists over 1 vectors, ", build.Error, StringComparison.Ordinal);
        Assert.Equal("ivfflat", Assert.Single(JsonSerializer.Deserialize<EmbeddingSpaceInfo[]>(list.Out, WireJson.Lenient)!).VectorIndex!.Kind);
        Assert.Contains("  index: ivfflat, 1 of 1 lists, ", status.Out, StringComparison.Ordinal);
        Assert.Contains("accepted: operation", accepted.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Failed, wrong.Code);
        Assert.Contains("Only an index of kind ivfflat has lists.", wrong.Error, StringComparison.Ordinal);
        Assert.All([build, list, status, accepted], run => Assert.Equal(ExitCode.Done, run.Code));
    }

    [Fact]
    public async Task A_further_model_is_added_activated_left_again_and_dropped()
    {
        await using var ollama = await OllamaServer.StartNewAsync(StandInModel.NomicEmbedText, StandInModel.AllMiniLm);
        await using var service = await RunningService.StartAsync(postgres, Using(ollama));
        await service.RememberAsync("Lean the ladder at seventy-five degrees.");

        var add = await service.RunAsync("embeddings", "add", "all-minilm", "--json");
        var there = await service.RunAsync("embeddings", "activate", "all-minilm", "--force");
        var search = await service.RunAsync("search", "ladder");
        var taken = await service.RunAsync("embeddings", "drop", "all-minilm");
        var back = await service.RunAsync("embeddings", "activate", "nomic-embed-text", "--force", "--json");
        var gone = await service.RunAsync("embeddings", "drop", "all-minilm");
        var list = await service.RunAsync("embeddings", "list", "--json");

        var filled = JsonSerializer.Deserialize<Operation>(add.Out, WireJson.Lenient)!.Result!.Value.Deserialize<EmbeddingSpaceResult>(WireJson.Lenient)!;
        Assert.Equal(("all-minilm", 384, 1L, 0L), (filled.Model, filled.Dimensions, filled.Memories, filled.Failed));
        Assert.Contains($"`mahavishnu embeddings activate {filled.SpaceId}` searches with it", add.Error, StringComparison.Ordinal);
        Assert.Contains($"searches now use space {filled.SpaceId} (all-minilm)", there.Error, StringComparison.Ordinal);
        Assert.Contains("goes back", there.Error, StringComparison.Ordinal);
        Assert.Contains("all-minilm)", search.Error, StringComparison.Ordinal);
        Assert.Equal((ExitCode.Failed, true), (taken.Code, taken.Error.Contains("active", StringComparison.Ordinal)));
        Assert.Equal(filled.SpaceId, JsonSerializer.Deserialize<SpaceActivation>(back.Out, WireJson.Lenient)!.PreviousId);
        Assert.Contains("dropped the space", gone.Error, StringComparison.Ordinal);
        Assert.Equal("nomic-embed-text", Assert.Single(JsonSerializer.Deserialize<EmbeddingSpaceInfo[]>(list.Out, WireJson.Lenient)!).Model);
        Assert.All([add, there, search, back, gone, list], run => Assert.Equal(ExitCode.Done, run.Code));
    }

    [Fact]
    public async Task A_space_that_is_not_filled_is_activated_only_when_forced_and_the_refusal_says_so()
    {
        await using var ollama = await OllamaServer.StartNewAsync(StandInModel.NomicEmbedText, StandInModel.AllMiniLm);
        await using var service = await RunningService.StartAsync(postgres, Using(ollama));
        await service.RememberAsync("Lean the ladder at seventy-five degrees.");

        await new MemoriesClient(service.Http).AddBatchAsync(
            [.. Enumerable.Range(0, 120).Select(i => new NewMemory { Content = $"Rung {i} of the ladder." })], ct: TestContext.Current.CancellationToken);

        // Two minutes at this rate: longer than what follows.
        var add = await service.RunAsync("embeddings", "add", "all-minilm", "--rate", "1", "--no-wait");
        var early = await service.RunAsync("embeddings", "activate", "all-minilm");
        var forced = await service.RunAsync("embeddings", "activate", "all-minilm", "--force");

        Assert.Contains("accepted: operation", add.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Failed, early.Code);
        Assert.Contains("not filled", early.Error, StringComparison.Ordinal);
        Assert.Contains("--force` does it all the same", early.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Done, forced.Code);
    }

    [Fact]
    public async Task While_the_model_is_away_nothing_waits_for_it_and_everything_says_what_would_help()
    {
        await using var ollama = await OllamaServer.StartNewAsync(StandInModel.NomicEmbedText);
        await using var service = await RunningService.StartAsync(postgres, Using(ollama));
        await service.RememberAsync("Lean the ladder at seventy-five degrees.");
        await ollama.StopAsync();
        await File.WriteAllTextAsync(Path.Combine(service.Root, "ladder.md"), "# Ladders\n\nA ladder stands on firm ground.\n", TestContext.Current.CancellationToken);

        var ingest = await service.RunAsync("ingest", service.Root);
        var search = await service.RunAsync("search", "firm ground");
        var status = await service.RunAsync("status");
        var embeddings = await service.RunAsync("embeddings", "status", "--json");
        var missing = await service.RunAsync("embeddings", "add", "all-minilm");

        var provider = JsonSerializer.Deserialize<EmbeddingStatus>(embeddings.Out, WireJson.Lenient)!.Provider!;
        Assert.Equal((EmbeddingProviderStates.Away, "nomic-embed-text"), (provider.State, provider.Model));
        Assert.Contains("waiting for the embedding model: 1 memory, stored", ingest.Error, StringComparison.Ordinal);
        Assert.Contains(provider.Hint!, ingest.Error, StringComparison.Ordinal);
        Assert.Contains("A ladder stands on firm ground.", search.Out, StringComparison.Ordinal);
        Assert.Contains("the embedding model nomic-embed-text does not answer: found by words only", search.Error, StringComparison.Ordinal);
        Assert.Contains(provider.Message!, status.Out, StringComparison.Ordinal);
        Assert.Contains(provider.Hint!, status.Out, StringComparison.Ordinal);
        Assert.Contains(ollama.Url, missing.Error, StringComparison.Ordinal);
        Assert.Equal((ExitCode.Done, ExitCode.Done, ExitCode.Done, ExitCode.Failed), (ingest.Code, search.Code, status.Code, missing.Code));
    }

    [Fact]
    public async Task Whoever_does_not_want_to_wait_for_a_model_that_never_came_does_as_the_hint_says()
    {
        await using var ollama = await OllamaServer.StartNewAsync(StandInModel.NomicEmbedText);
        await ollama.StopAsync();
        await using var service = await RunningService.StartAsync(postgres, Using(ollama));
        await new MemoriesClient(service.Http).AddAsync(new NewMemory { Content = "Lean the ladder at seventy-five degrees." }, TestContext.Current.CancellationToken);

        var status = await service.RunAsync("status");
        var add = await service.RunAsync("embeddings", "add", "builtin");
        var activate = await service.RunAsync("embeddings", "activate", "builtin");
        var search = await service.RunAsync("search", "ladder", "--json");

        Assert.Contains("`mahavishnu embeddings add builtin` would change it", status.Out, StringComparison.Ordinal);
        Assert.Contains("embedding: 1 pending", status.Out, StringComparison.Ordinal);
        Assert.All([status, add, activate, search], run => Assert.True(run.Code == ExitCode.Done, run.Error));
        var answer = JsonSerializer.Deserialize<SearchResponse>(search.Out, WireJson.Lenient)!;
        Assert.Equal(("builtin-hash-v1", 0), (answer.Model, answer.Degraded.Count));
        Assert.NotNull(Assert.Single(answer.Hits).Similarity);
    }

    [Fact]
    public async Task What_a_poisoned_text_failed_with_is_listed_and_it_can_be_tried_again()
    {
        await using var ollama = await OllamaServer.StartNewAsync(StandInModel.NomicEmbedText);
        await using var service = await RunningService.StartAsync(postgres, [.. Using(ollama), ("Embedding__MaxAttempts", "1")]);
        ollama.Behaviour.Poison("belladonna");
        var memory = await new MemoriesClient(service.Http).AddAsync(new NewMemory { Content = "Tea of belladonna." }, TestContext.Current.CancellationToken);
        await Eventually.Async(async () => (await new AdminClient(service.Http).EmbeddingsAsync(TestContext.Current.CancellationToken)).Queue.Failed == 1, "The dead letter");

        var status = await service.RunAsync("embeddings", "status");
        var failed = await service.RunAsync("embeddings", "failed");
        var retry = await service.RunAsync("embeddings", "retry", memory.Id.ToString());

        Assert.Contains("1 failed", status.Out, StringComparison.Ordinal);
        Assert.Contains("0 will be tried again, 1 given up", status.Out, StringComparison.Ordinal);
        Assert.Contains(memory.Id.ToString(), failed.Out, StringComparison.Ordinal);
        Assert.Contains("back in the queue: 1 memory", retry.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pin_whose_memory_is_gone_is_not_asked_and_not_passed_over_in_silence()
    {
        await using var service = await RunningService.StartAsync(postgres);
        var memory = await service.RememberAsync("Lean the ladder at seventy-five degrees.");

        var pin = await service.RunAsync("eval", "pin", "how steep is a ladder", memory.Id.ToString());
        await new MemoriesClient(service.Http).DeleteAsync(memory.Id, TestContext.Current.CancellationToken);
        var run = await service.RunAsync("eval", "run");

        Assert.Contains("not asked, because their memory is gone: 1", run.Error, StringComparison.Ordinal);
        Assert.Contains("nothing else is pinned", run.Error, StringComparison.Ordinal);
        Assert.Equal((ExitCode.Done, ExitCode.Done), (pin.Code, run.Code));
    }

    [Fact]
    public async Task A_space_is_not_compared_with_itself()
    {
        await using var service = await RunningService.StartAsync(postgres);
        await service.RememberAsync("Lean the ladder at seventy-five degrees.");

        var run = await service.RunAsync("embeddings", "compare", "builtin");

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains("cannot be compared with itself; --with names the other space", run.Error, StringComparison.Ordinal);
    }

    private static (string Name, string? Value)[] Using(OllamaServer ollama) =>
    [
        ("Embedding__Provider", EmbeddingProviders.Ollama),
        ("OLLAMA_BASE_URL", ollama.Url),
        ("Embedding__Ollama__RetrySeconds", "0.05"),
        ("Embedding__Ollama__BreakSeconds", "0.5"),
        ("Embedding__IdleSeconds", "0.2"),
    ];
}
