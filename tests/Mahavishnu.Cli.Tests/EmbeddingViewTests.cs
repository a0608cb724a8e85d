using Mahavishnu.Contracts;

namespace Mahavishnu.Cli.Tests;

public sealed class EmbeddingViewTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("2", 2)]
    [InlineData("all-minilm", 3)]
    [InlineData("ALL-MiniLM:latest", 3)]
    public void A_space_is_named_by_its_id_or_by_a_model_that_no_other_has(string name, int id) =>
        Assert.Equal(id, SpaceChoice.Find(name, [Space(1, "nomic-embed-text"), Space(2, "nomic-embed-text:latest"), Space(3, "all-minilm")]).Id);

    [Theory]
    [InlineData("nomic-embed-text", "1 (nomic-embed-text, 768 dimensions, building), 2 (nomic-embed-text, 768 dimensions, building); give the id")]
    [InlineData("7", "there is no embedding space 7; there are 1 (nomic-embed-text")]
    [InlineData("bge-m3", "there is no embedding space bge-m3")]
    public void A_name_of_none_or_of_several_is_an_error_that_says_what_there_is(string name, string said)
    {
        var refused = Assert.Throws<CliException>(() => SpaceChoice.Find(name, [Space(1, "nomic-embed-text"), Space(2, "nomic-embed-text")]));

        Assert.Contains(said, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_queue_says_what_waits_for_how_long_and_why()
    {
        var queue = new EmbeddingQueueStatus(12_000, 64, 3, Now.AddMinutes(-5))
        {
            RatePerSecond = 41.5,
            Reasons = [new EmbeddingQueueReason(EmbeddingReasons.TextRefused, 0, 3, "input length\nexceeds the context"), new EmbeddingQueueReason(EmbeddingReasons.ModelAway, 12_000, 0, null)],
        };

        Assert.Equal(
            [
                "queue: 12,000 pending, 64 running, 3 failed; the oldest waits for 5 min; 41.5 memories/s",
                "  text_refused: 0 will be tried again, 3 given up, e.g. input length exceeds the context",
                "  model_away: 12,000 will be tried again, 0 given up",
                "  `mahavishnu embeddings failed` lists those given up, `mahavishnu embeddings retry` tries them again",
            ],
            EmbeddingView.Queue("queue", queue, Now));
        Assert.Equal(["queue: 0 pending, 0 running, 0 failed"], EmbeddingView.Queue("queue", new EmbeddingQueueStatus(0, 0, 0, null), Now));
    }

    [Fact]
    public void The_status_tells_of_every_space_in_which_something_waits_or_failed()
    {
        var active = Space(1, "nomic-embed-text") with { State = EmbeddingSpaceStates.Active };
        var failing = Space(2, "all-minilm") with { Queue = new EmbeddingQueueStatus(0, 0, 3, null) };
        var idle = Space(3, "bge-m3");
        var queue = new EmbeddingQueueStatus(1, 0, 0, null);

        Assert.Equal(
            [
                "embedding: 1 pending, 0 running, 0 failed",
                "space 2 (all-minilm, 768 dimensions, building): 0 pending, 0 running, 3 failed",
                "  `mahavishnu embeddings failed` lists those given up, `mahavishnu embeddings retry` tries them again",
            ],
            EmbeddingView.Queues(new EmbeddingStatus([active, failing, idle], queue), Now));
        Assert.Equal(["embedding: 1 pending, 0 running, 0 failed"], EmbeddingView.Queues(new EmbeddingStatus([failing, idle], queue), Now));
    }

    [Fact]
    public void A_provider_that_is_away_comes_with_the_command_that_would_change_it()
    {
        var away = new EmbeddingProviderStatus(EmbeddingProviders.Ollama, "nomic-embed-text", "away", "Ollama does not answer.", "ollama serve");
        var pulling = new EmbeddingProviderStatus(EmbeddingProviders.Ollama, "nomic-embed-text", "pulling", null, null) { PulledBytes = 64 * 1024 * 1024, PullBytes = 256 * 1024 * 1024 };

        Assert.Equal(["provider: ollama, model nomic-embed-text: away", "  Ollama does not answer.", "  `ollama serve` would change it"], Provider(away));
        Assert.Equal(["provider: ollama, model nomic-embed-text: pulling (64.0 MiB of 256.0 MiB)"], Provider(pulling));
        Assert.Empty(Provider(null));
    }

    [Fact]
    public void An_index_says_what_it_is_and_what_is_found_by_it()
    {
        var space = Space(1, "all-minilm") with { Index = "ready", VectorIndex = new VectorIndexInfo("ivfflat", 500, 23, 150_000, 3 * 1024 * 1024, Now) };
        var low = space with { Recall = new SpaceRecall(0.91, 40, 2, Now, "Raise the probes.") };

        Assert.Equal(["  index: ivfflat, 23 of 500 lists, 3.0 MiB, built of 150,000 vectors"], EmbeddingView.Index(space));
        Assert.Equal(["  recall: 0.910 of what is nearest, over 40 searches run again exactly; 2 came back short", "  Raise the probes."], EmbeddingView.Index(low).Skip(1));
        Assert.Equal("ivfflat, 3.0 MiB", EmbeddingView.BriefIndex(space));
        Assert.Equal("none yet (ivfflat)", EmbeddingView.BriefIndex(Space(1, "all-minilm") with { WantedIndex = "ivfflat" }));
        Assert.Equal("none", EmbeddingView.BriefIndex(Space(1, "all-minilm") with { WantedIndex = "none" }));
        Assert.Empty(EmbeddingView.Index(Space(1, "all-minilm")));
    }

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(157_286_400, "150.0 MiB")]
    [InlineData(3_221_225_472, "3.0 GiB")]
    public void Sizes_are_shown_in_units_that_fit(long bytes, string shown) => Assert.Equal(shown, EmbeddingView.Size(bytes));

    [Theory]
    [InlineData(-3, "0 s")]
    [InlineData(90, "90 s")]
    [InlineData(600, "10 min")]
    [InlineData(36_000, "10 h")]
    [InlineData(360_000, "4 days")]
    public void Ages_are_shown_in_units_that_fit(int seconds, string shown) => Assert.Equal(shown, EmbeddingView.Age(TimeSpan.FromSeconds(seconds)));

    private static IEnumerable<string> Provider(EmbeddingProviderStatus? provider) =>
        EmbeddingView.Provider(new EmbeddingStatus([], new EmbeddingQueueStatus(0, 0, 0, null)) { Provider = provider });

    private static EmbeddingSpaceInfo Space(int id, string model) =>
        new(id, EmbeddingProviders.Ollama, model, "digest", 768, "cosine", "none", EmbeddingSpaceStates.Building, 0, "none", Now);
}
