using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Mahavishnu.Search.Tests;

/// <summary>What a search still does when something is missing, and that it says so.</summary>
public sealed class DegradedTests(PostgresFixture postgres)
{
    /// <summary>Embedding models that are away, each in its own way.</summary>
    private sealed class Generator(Func<CancellationToken, Task<float[]>> answer) : IEmbeddingGenerator<string, Embedding<float>>
    {
        public int Calls { get; private set; }

        public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
        {
            Calls++;
            return [new Embedding<float>(await answer(cancellationToken))];
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }

    /// <summary>Has the real built-in model, until it comes to questions.</summary>
    private sealed class Provider(Generator generator) : IEmbeddingProvider
    {
        public string Name => EmbeddingProviders.Builtin;

        public Task<EmbeddingModel> DescribeAsync(string model, string? profile, string distance, CancellationToken ct) => throw new NotSupportedException();

        public Task<EmbeddingClient> OpenAsync(EmbeddingModel model, CancellationToken ct) => Task.FromResult(new EmbeddingClient
        {
            Model = model,
            Documents = generator,
            Questions = generator,
            Tokens = TokenMeter.Approximate,
            MaxInputTokens = 100,
        });
    }

    private static Action<WebApplicationBuilder> With(Generator generator) => builder =>
    {
        builder.Services.RemoveAll<IEmbeddingProvider>();
        builder.Services.AddSingleton<IEmbeddingProvider>(new Provider(generator));
    };

    private static async Task AssertWordsOnlyAsync(SearchWorld world)
    {
        var memory = await world.RememberAsync("The cache is invalidated");

        var hybrid = await world.SearchAsync("cache");
        var text = await world.SearchAsync(new SearchRequest { Query = "cache", Mode = SearchModes.Text });
        var vector = await world.SearchAsync(new SearchRequest { Query = "cache", Mode = SearchModes.Vector });

        Assert.Equal([memory], hybrid.Hits.Select(h => h.Id));
        Assert.Equal([ErrorCodes.Degraded.EmbeddingUnavailable], hybrid.Degraded);
        Assert.Equal(SearchModes.Hybrid, hybrid.Mode);
        Assert.Equal([memory], text.Hits.Select(h => h.Id));
        Assert.Empty(text.Degraded);
        Assert.Empty(vector.Hits);
        Assert.Equal([ErrorCodes.Degraded.EmbeddingUnavailable], vector.Degraded);
    }

    [Fact]
    public async Task A_model_that_fails_leaves_the_words_and_is_left_alone_for_a_while()
    {
        var generator = new Generator(_ => throw new HttpRequestException("connection refused"));
        await using var world = await SearchWorld.StartAsync(postgres, builder =>
        {
            With(generator)(builder);
            // Time stands still: the pause after a failure does not end.
            builder.Services.Replace(ServiceDescriptor.Singleton<TimeProvider>(new FrozenTime()));
        });
        var before = generator.Calls;

        await AssertWordsOnlyAsync(world);

        Assert.InRange(generator.Calls - before, 0, 1);
    }

    [Fact]
    public async Task A_model_that_does_not_answer_in_time_leaves_the_words()
    {
        var generator = new Generator(async ct =>
        {
            await Task.Delay(Timeout.Infinite, ct);
            return [];
        });
        await using var world = await SearchWorld.StartAsync(postgres, With(generator), settings: ("Search:EmbeddingTimeoutMs", "10"));

        await AssertWordsOnlyAsync(world);
    }

    [Fact]
    public async Task A_vector_of_another_length_is_not_compared()
    {
        await using var world = await SearchWorld.StartAsync(postgres, With(new Generator(_ => Task.FromResult(new float[] { 1, 2, 3 }))));

        await AssertWordsOnlyAsync(world);
    }

    [Fact]
    public async Task A_model_that_is_not_the_one_of_the_stored_vectors_is_not_asked()
    {
        await using var world = await SearchWorld.StartAsync(postgres, prepare: _ => Task.CompletedTask);
        await world.Database.ExecuteAsync("UPDATE embedding_spaces SET digest = 'another digest'");
        world.Host.Get<ActiveSpace>().Forget();

        await AssertWordsOnlyAsync(world);

        Assert.Contains(world.Host.Log.Lines, l => l.Text.Contains("another dige", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_a_space_there_are_words()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.Database.ExecuteAsync("UPDATE embedding_spaces SET state = 'retired'");
        world.Host.Get<ActiveSpace>().Forget();
        var memory = SearchWorld.Draft("The cache is invalidated");
        await world.StoreAsync(memory);

        var answer = await world.SearchAsync("cache");

        Assert.Equal([memory.Id], answer.Hits.Select(h => h.Id));
        Assert.Null(answer.Model);
        Assert.Equal([ErrorCodes.Degraded.EmbeddingUnavailable], answer.Degraded);
    }

    [Fact]
    public async Task An_index_in_the_making_is_mentioned_and_the_search_is_exact_meanwhile()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var memory = await world.RememberAsync("The cache is invalidated");
        await world.Database.ExecuteAsync("UPDATE embedding_spaces SET index_state = 'building'");
        world.Host.Get<ActiveSpace>().Forget();

        var vector = await world.SearchAsync(new SearchRequest { Query = "cache", Mode = SearchModes.Vector });
        var text = await world.SearchAsync(new SearchRequest { Query = "cache", Mode = SearchModes.Text });

        Assert.Equal([memory], vector.Hits.Select(h => h.Id));
        Assert.Equal([ErrorCodes.Degraded.IndexBuilding], vector.Degraded);
        Assert.Empty(text.Degraded);
    }

    [Fact]
    public async Task A_space_replaced_between_two_searches_is_noticed()
    {
        await using var world = await SearchWorld.StartAsync(postgres, builder => builder.Services.Replace(ServiceDescriptor.Singleton<TimeProvider>(new FrozenTime())));
        var memory = await world.RememberAsync("The cache is invalidated");
        await world.SearchAsync("cache");
        // Frozen time: what is known of the space stays known, though it has a new number and its old table is gone.
        await world.Database.ExecuteAsync("ALTER TABLE embedding_1 RENAME TO embedding_2");
        await world.Database.ExecuteAsync("""
            WITH old AS (DELETE FROM embedding_spaces RETURNING *)
            INSERT INTO embedding_spaces (provider, model, digest, dimensions, distance, prefix_profile, state)
            SELECT provider, model, digest, dimensions, distance, prefix_profile, state FROM old
            """);

        var answer = await world.SearchAsync(new SearchRequest { Query = "cache", Mode = SearchModes.Vector });

        Assert.Equal([memory], answer.Hits.Select(h => h.Id));
    }
}

/// <summary>A clock that does not tick: what is cached stays cached, until a test says how much time has passed.</summary>
internal sealed class FrozenTime : TimeProvider
{
    private long _passed;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _passed);

    public void Pass(TimeSpan time) => Interlocked.Add(ref _passed, time.Ticks);
}
