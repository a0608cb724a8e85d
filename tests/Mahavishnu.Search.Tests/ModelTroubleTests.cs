using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.Search.Tests;

/// <summary>A space's model in trouble: searches go on by words, wait no more than they must, and say once what is wrong and what would mend it.</summary>
public sealed class ModelTroubleTests(PostgresFixture postgres)
{
    private static readonly TimeSpan LongerThanThePause = TimeSpan.FromSeconds(3);

    private readonly FrozenTime _time = new();
    private readonly KnownModels _models = new();

    private async Task<(SpaceWorld World, KnownModel Model)> WorldAsync(params (string Key, string? Value)[] settings)
    {
        var model = _models.Add("m", 2).With("red apple", 1, 0).With("green apple", 0, 1);
        foreach (var n in Enumerable.Range(0, 9))
        {
            model.With($"apple {n}?", 1, 0);
        }

        var world = await SpaceWorld.StartAsync(
            postgres, _models, model, builder => builder.Services.Replace(ServiceDescriptor.Singleton<TimeProvider>(_time)), settings: settings);
        await world.RememberAsync("red apple", "green apple");
        return (world, model);
    }

    private static async Task AssertAsync(SpaceWorld world, int n, bool degraded)
    {
        var answer = await world.Search.SearchAsync($"apple {n}?");
        Assert.Equal(2, answer.Hits.Count);
        Assert.Equal("m", answer.Model);
        Assert.Equal(degraded ? [ErrorCodes.Degraded.EmbeddingUnavailable] : [], answer.Degraded);
        Assert.All(answer.Hits, h => Assert.Equal(degraded, h.Similarity is null));
    }

    private static IEnumerable<string> Said(SpaceWorld world, LogLevel level) =>
        world.Search.Host.Log.Lines.Where(l => l.Category.EndsWith(nameof(QuestionEmbedder), StringComparison.Ordinal) && l.Level == level && !l.Text.Contains("warm up", StringComparison.Ordinal)).Select(l => l.Text);

    [Fact]
    public async Task A_model_that_hangs_costs_one_wait_a_pause()
    {
        var (world, model) = await WorldAsync(("Search:EmbeddingTimeoutMs", "100"));
        await using var _ = world;
        model.Hangs = true;
        var calls = model.Calls;

        for (var n = 0; n < 4; n++)
        {
            await AssertAsync(world, n, degraded: true);
        }

        Assert.Equal(calls + 1, model.Calls);

        // After the pause one of many asks, and the others do not wait for it.
        _time.Pass(LongerThanThePause);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(n => AssertAsync(world, n, degraded: true)));
        Assert.Equal(calls + 2, model.Calls);

        model.Hangs = false;
        await AssertAsync(world, 5, degraded: true);
        _time.Pass(LongerThanThePause);
        await AssertAsync(world, 5, degraded: false);
        Assert.Contains("did not answer within 100 ms", Assert.Single(Said(world, LogLevel.Warning)), StringComparison.Ordinal);
        Assert.Contains("answers again", Assert.Single(Said(world, LogLevel.Information)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_caller_that_leaves_does_not_hide_that_the_model_hangs()
    {
        var (world, model) = await WorldAsync(("Search:EmbeddingTimeoutMs", "200"));
        await using var _ = world;
        model.Hangs = true;
        var calls = model.Calls;
        var embedder = world.Search.Host.Get<QuestionEmbedder>();
        var space = await world.Search.SpaceAsync();
        using var impatient = new CancellationTokenSource();

        var asking = embedder.EmbedAsync("apple 1?", space, impatient.Token).AsTask();
        await impatient.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        await Eventually.Async(() => Task.FromResult(Said(world, LogLevel.Warning).Any()), "The end of the call");
        await AssertAsync(world, 2, degraded: true);
        Assert.Equal(calls + 1, model.Calls);
    }

    [Theory]
    [InlineData("away", "serve m")]
    [InlineData("missing", "pull m")]
    [InlineData("changed", "add m")]
    public async Task What_is_wrong_is_said_once_with_what_would_mend_it_and_no_other_model_stands_in(string trouble, string hint)
    {
        var (world, model) = await WorldAsync();
        await using var _ = world;
        await AssertAsync(world, 0, degraded: false);
        switch (trouble)
        {
            case "away":
                model.Away = true;
                break;
            case "missing":
                _models.Remove("m");
                break;
            default:
                // The same name, other contents: its vectors must not be compared with those that are stored.
                _models.Add("m", 2, digest: "2").With("apple 1?", 0, 1).With("apple 2?", 0, 1);
                break;
        }

        for (var n = 1; n < 3; n++)
        {
            await AssertAsync(world, n, degraded: true);
            _time.Pass(LongerThanThePause);
        }

        Assert.Contains(hint, Assert.Single(Said(world, LogLevel.Warning)), StringComparison.Ordinal);
        // What was asked before has its vector.
        await AssertAsync(world, 0, degraded: false);
    }

    [Fact]
    public async Task A_question_that_the_model_refuses_is_its_own_trouble()
    {
        var (world, _) = await WorldAsync();
        await using var __ = world;

        var refused = await world.Search.SearchAsync("an apple nobody knows");

        Assert.Equal([ErrorCodes.Degraded.EmbeddingUnavailable], refused.Degraded);
        Assert.Equal(2, refused.Hits.Count);
        await AssertAsync(world, 1, degraded: false);
    }

    [Fact]
    public async Task A_question_longer_than_the_models_input_is_asked_as_the_middle_of_its_parts()
    {
        var (world, model) = await WorldAsync();
        await using var _ = world;
        var question = string.Join(' ', Enumerable.Range(0, 70).Select(i => $"apple{i % 10}"));
        var parts = TextParts.Split(question, 64, TokenMeter.Approximate);
        Assert.InRange(parts.Count, 2, 10);
        foreach (var (part, i) in parts.Select((p, i) => (p, i)))
        {
            model.With(part, i == 0 ? [parts.Count * 0.6f, 0] : [0, parts.Count * 0.8f / (parts.Count - 1)]);
        }

        var answer = await world.VectorAsync(question);

        // (0.6, 0.8) to (0, 1) and (1, 0).
        Assert.Equal(["green apple", "red apple"], answer.Hits.Select(h => h.Content));
        Assert.Equal(0.8, answer.Hits[0].Similarity!.Value, 1e-2);
    }

    [Fact]
    public async Task What_became_of_each_question_is_counted()
    {
        var (world, model) = await WorldAsync();
        await using var _ = world;
        var meters = world.Search.Host.Get<IMeterFactory>();
        var outcomes = new ConcurrentQueue<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name == "mahavishnu.search.questions" && instrument.Meter.Scope == meters)
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, count, tags, _) => outcomes.Enqueue($"{count} {tags[0].Value}"));
        listener.Start();

        await AssertAsync(world, 1, degraded: false);
        await AssertAsync(world, 1, degraded: false);
        await world.Search.SearchAsync(new SearchRequest { Query = "apple", Mode = SearchModes.Text });
        model.Away = true;
        await AssertAsync(world, 2, degraded: true);
        await AssertAsync(world, 1, degraded: false);

        Assert.Equal(["1 computed", "1 known", "1 missing", "1 known"], outcomes);
    }
}
