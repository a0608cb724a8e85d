using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Mahavishnu.Search.Tests;

/// <summary>Several spaces: each answer is of one of them, and of the one that is active.</summary>
public sealed class SwitchTests(PostgresFixture postgres)
{
    private const string Question = "apple?";

    // What is near to the question in the one model is far in the other, and no similarity occurs in both.
    private static readonly (string Text, float[] Small, float[] Large)[] Memories =
    [
        ("red apple", [1, 0], [0, 0, 1, 0]),
        ("green apple", [3, 4], [5, 12, 0, 0]),
        ("old apple", [0, 1], [12, 5, 0, 0]),
    ];

    private static readonly Dictionary<string, double[]> Similarities = new()
    {
        ["small"] = [1, 0.6, 0],
        ["large"] = [0.923, 0.385, 0],
    };

    private static (KnownModels Models, KnownModel Small, KnownModel Large) Models()
    {
        var models = new KnownModels();
        var small = models.Add("small", 2).With(Question, 1, 0);
        var large = models.Add("large", 4).With(Question, 1, 0, 0, 0);
        foreach (var (text, two, four) in Memories)
        {
            small.With(text, two);
            large.With(text, four);
        }

        return (models, small, large);
    }

    private static async Task<(SpaceWorld World, EmbeddingSpace Small, EmbeddingSpace Large, Guid[] Ids)> WorldAsync(
        PostgresFixture postgres, (KnownModels All, KnownModel Small, KnownModel Large) models, params (string Key, string? Value)[] settings)
    {
        // The clock stands still: what this process knows of the active space never grows old by itself.
        var world = await SpaceWorld.StartAsync(
            postgres, models.All, models.Small, builder => builder.Services.Replace(ServiceDescriptor.Singleton<TimeProvider>(new FrozenTime())), settings: settings);
        var large = await world.AddAsync(models.Large);
        var ids = await world.RememberAsync([.. Memories.Select(m => m.Text)]);
        return (world, await world.Search.SpaceAsync(), large, ids);
    }

    private static void AssertOf(string model, SearchResponse answer, bool vectors = true)
    {
        Assert.Equal(model, answer.Model);
        Assert.Empty(answer.Degraded);
        Assert.Equal(Memories.Length, answer.Hits.Count);
        Assert.All(answer.Hits, h => Assert.Equal(vectors, h.Similarity is not null));
        Assert.All(answer.Hits.Where(_ => vectors), h => Assert.Contains(Similarities[model], s => Math.Abs(s - h.Similarity!.Value) < 1e-2));
    }

    [Fact]
    public async Task The_first_search_after_a_switch_is_of_the_new_space_whatever_it_asks()
    {
        var (world, small, large, ids) = await WorldAsync(postgres, Models());
        await using var _ = world;
        AssertOf("small", await world.VectorAsync(Question));

        SearchRequest[] requests =
        [
            new() { Query = Question, Mode = SearchModes.Vector },
            new() { Query = Question },
            new() { Query = "apple", Mode = SearchModes.Text },
            new() { Query = Question, Limit = 3, Explain = true },
        ];
        foreach (var request in requests)
        {
            foreach (var space in (EmbeddingSpace[])[large, small])
            {
                await world.ActivateAsync(space);
                AssertOf(space.Model, await world.Search.SearchAsync(request), request.Mode != SearchModes.Text);
            }
        }

        foreach (var space in (EmbeddingSpace[])[large, small])
        {
            await world.ActivateAsync(space);
            AssertOf(space.Model, await world.Search.Host.Search.UnifiedAsync(new SearchRequest { Query = Question }, TestContext.Current.CancellationToken));
        }

        await world.ActivateAsync(large);
        var like = await world.Search.SearchAsync(new SearchRequest { Like = ids[1].ToString(), Mode = SearchModes.Vector });
        Assert.Equal(("large", ids[2]), (like.Model, like.Hits[0].Id));
        // (5, 12) and (12, 5), both of length 13.
        Assert.Equal(120.0 / 169, like.Hits[0].Similarity!.Value, 1e-2);
    }

    [Fact]
    public async Task However_often_spaces_are_switched_under_running_searches_no_answer_mixes_them()
    {
        var (world, small, large, _) = await WorldAsync(postgres, Models());
        await using var __ = world;
        using var stop = new CancellationTokenSource();
        var answers = new Dictionary<string, int>();
        SearchRequest[] requests = [new() { Query = Question, Mode = SearchModes.Vector }, new() { Query = Question }, new() { Query = Question, Limit = 3 }];
        var searching = Enumerable.Range(0, 4).Select(async n =>
        {
            var seen = new List<string>();
            for (var i = n; !stop.IsCancellationRequested; i++)
            {
                var answer = await world.Search.SearchAsync(requests[i % requests.Length]);
                AssertOf(answer.Model!, answer);
                seen.Add(answer.Model!);
            }

            return seen;
        }).ToList();

        for (var i = 0; i < 60; i++)
        {
            var space = i % 2 == 0 ? large : small;
            await world.ActivateAsync(space);
            // Nobody else switches: what is asked after the switch is answered after it.
            AssertOf(space.Model, await world.Search.SearchAsync(requests[i % requests.Length]));
        }

        await stop.CancelAsync();
        foreach (var model in (await Task.WhenAll(searching)).SelectMany(m => m))
        {
            answers[model] = answers.GetValueOrDefault(model) + 1;
        }

        Assert.Equal(["large", "small"], answers.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_space_that_is_dropped_is_not_missed()
    {
        var (world, small, large, _) = await WorldAsync(postgres, Models());
        await using var __ = world;
        AssertOf("small", await world.VectorAsync(Question));

        await world.ActivateAsync(large);
        Assert.Equal(SpaceDrop.Dropped, await world.Search.Host.Get<EmbeddingSpaceStore>().DropAsync(small.Id, TestContext.Current.CancellationToken));

        foreach (var mode in (string[])[SearchModes.Vector, SearchModes.Hybrid])
        {
            AssertOf("large", await world.Search.SearchAsync(new SearchRequest { Query = Question, Mode = mode }));
        }
    }

    [Fact]
    public async Task A_model_that_was_away_does_not_hold_up_the_space_that_replaces_its_own()
    {
        var models = Models();
        var (world, _, large, _) = await WorldAsync(postgres, models);
        await using var __ = world;
        models.Small.Away = true;
        var before = await world.VectorAsync(Question);
        Assert.Equal(("small", ErrorCodes.Degraded.EmbeddingUnavailable), (before.Model, Assert.Single(before.Degraded)));
        var calls = models.Large.Calls;

        await world.ActivateAsync(large);

        AssertOf("large", await world.VectorAsync(Question));
        AssertOf("large", await world.Search.SearchAsync(Question));
        // Nobody asked it before it was its turn, and the second time its answer was known.
        Assert.Equal(calls + 1, models.Large.Calls);
    }
}
