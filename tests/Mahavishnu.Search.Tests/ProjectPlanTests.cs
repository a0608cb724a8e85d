using Mahavishnu.Contracts;

namespace Mahavishnu.Search.Tests;

/// <summary>How a search within a project, or a few, is led to its rows.</summary>
public sealed class ProjectPlanTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static readonly SearchTuning Tuning = new(60, 400, 8_000, 100, FusionKind.Weighted, 60, 0.3, 0.4, 0.1);

    // A project in twenty, and one that has every second memory.
    private async Task<SearchWorld> FillAsync()
    {
        var world = await SearchWorld.StartAsync(postgres);
        await world.RememberAsync([.. Enumerable.Range(0, 4_000).Select(n => SearchWorld.Draft($"note {n} about topic {n % 7}") with { ProjectId = n % 2 == 0 ? "large" : $"p{n % 20}" })]);
        await world.AnalyzeAsync();
        await world.IndexAsync();
        return world;
    }

    private static async Task<SearchPlan> PlanAsync(SearchWorld world, Question question)
    {
        var space = await world.SpaceAsync();
        var asked = await world.Host.Get<QuestionEmbedder>().EmbedAsync("topic", space, Ct);
        return await world.Host.Get<Searcher>().PlanAsync(question, space, asked.Vector, Ct) with { Tuning = Tuning };
    }

    [Fact]
    public async Task The_words_of_a_project_lead_to_its_memories_alone()
    {
        await using var world = await FillAsync();
        var plan = await PlanAsync(world, new Question { Text = "topic", Limit = 10, ProjectId = "p3", Origin = Origin.Any });

        var lines = await world.ExplainAsync(plan);

        var line = Assert.Single(lines, l => l.Contains("Index Cond: ((words @@ q", StringComparison.Ordinal) && l.Contains("ARRAY[project_id] && ", StringComparison.Ordinal));
        Assert.Contains("Bitmap Index Scan on memories_words", lines[lines.IndexOf(line) - 1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_vectors_of_a_small_part_are_compared_and_the_index_leads_to_a_large_one()
    {
        await using var world = await FillAsync();
        var frequencies = await world.Host.Get<LexemeStatistics>().GetAsync(Ct);
        var small = await PlanAsync(world, new Question { Text = "topic", Limit = 10, ProjectId = "p3" });
        var large = await PlanAsync(world, new Question { Text = "topic", Limit = 10, ProjectId = "large" });
        var all = await PlanAsync(world, new Question { Text = "topic", Limit = 10 });

        Assert.Equal(0.5, frequencies.Projects!.Of("large"), 0.05);
        Assert.Equal(0.05, frequencies.Projects.Of("p3"), 0.03);
        Assert.True(frequencies.Projects.Of("nobody's") < 0.05);
        Assert.True(small.Narrow);
        Assert.False(all.Narrow);
        // Of 4,000 memories half are compared sooner than the index is asked; of a million they are not.
        Assert.True(large.Narrow);
        Assert.DoesNotContain(await world.ExplainAsync(small), l => l.Contains("embedding_1_vector", StringComparison.Ordinal));
        Assert.Contains(await world.ExplainAsync(all), l => l.Contains("embedding_1_vector", StringComparison.Ordinal));
        Assert.Contains(await world.ExplainAsync(large with { Narrow = false }), l => l.Contains("embedding_1_vector", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(150_000, 0.05, true)]
    [InlineData(150_000, 0.1, true)]
    [InlineData(150_000, 0.2, false)]
    [InlineData(5_000_000, 0.01, true)]
    [InlineData(5_000_000, 0.03, false)]
    [InlineData(0, 1, true)]
    public void The_part_that_is_compared_whole_is_smaller_in_a_larger_store(long rows, double share, bool narrow) =>
        Assert.Equal(narrow, Searcher.IsNarrow(new Question { ProjectId = "p" }, new LexemeFrequencies(rows, [], []) { Projects = new ValueShares(new Dictionary<string, float>(), share) }));

    [Fact]
    public void Without_statistics_or_a_project_nothing_is_known_to_be_narrow()
    {
        Assert.False(Searcher.IsNarrow(new Question { ProjectId = "p" }, LexemeFrequencies.Unknown));
        Assert.False(Searcher.IsNarrow(new Question(), new LexemeFrequencies(1, [], []) { Projects = new ValueShares(new Dictionary<string, float>(), 0) }));
    }

    [Theory]
    [InlineData(150_000, 0.1, 1, false)]
    [InlineData(150_000, 0.1, 0.34, true)]
    [InlineData(150_000, 0.4, 1, true)]
    [InlineData(150_000, 0.01, 0.34, false)]
    [InlineData(1_000, 1, 1, false)]
    public void The_index_leads_to_types_that_many_memories_are_of(long rows, double share, double walked, bool wide) =>
        Assert.Equal(wide, Searcher.IsWide(new Question { Types = ["a"] }, new LexemeFrequencies(rows, [], []) { Types = new ValueShares(new Dictionary<string, float> { ["a"] = (float)share }, 0) }, walked));

    [Fact]
    public async Task The_index_leads_to_a_common_type_and_of_a_rare_one_all_is_found()
    {
        await using var world = await FillAsync();
        await world.RememberAsync([.. Enumerable.Range(0, 15).Select(n => SearchWorld.Draft($"a rare note {n} about topic 3") with { Type = MemoryTypes.Workflow })]);
        await world.AnalyzeAsync();
        var frequencies = await world.Host.Get<LexemeStatistics>().RenewAsync(Ct);
        var common = await PlanAsync(world, new Question { Types = [MemoryTypes.Agent], Mode = SearchMode.Vector, Text = "topic", Limit = 10 });
        var rare = await PlanAsync(world, new Question { Types = [MemoryTypes.Workflow], Mode = SearchMode.Vector, Text = "topic", Limit = 10 });

        Assert.Equal(1, frequencies.Types!.Of(MemoryTypes.Agent), 0.01);
        Assert.Equal((true, false), (common.Wide, rare.Wide));
        Assert.Equal(15, (await world.SearchAsync(new SearchRequest { Query = "topic", Types = [MemoryTypes.Workflow], Mode = SearchModes.Vector, Limit = 20 })).Hits.Count);
        var answer = await world.SearchAsync(new SearchRequest { Query = "topic", Types = [MemoryTypes.Agent], Mode = SearchModes.Vector, Limit = 20 });
        Assert.Equal(20, answer.Hits.Count);
        Assert.All(answer.Hits, h => Assert.Equal(MemoryTypes.Agent, h.Type));
        Assert.Contains(await world.ExplainAsync(common), l => l.Contains("embedding_1_vector", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_shared_competes_with_a_projects_own_in_every_mode()
    {
        await using var world = await FillAsync();
        var shared = SearchWorld.Draft("the peculiar secret about topic 3") with { ProjectId = "large", Type = MemoryTypes.Insight };
        var kept = SearchWorld.Draft("the peculiar secret about topic 3 again") with { ProjectId = "large", Type = MemoryTypes.Insight };
        await world.RememberAsync([shared, kept]);
        await world.Database.ExecuteAsync("INSERT INTO insight_shares (memory_id, project_id) VALUES ($1, 'p3')", shared.Id);

        foreach (var mode in SearchModes.All)
        {
            var hits = (await world.Host.Search.UnifiedAsync(new SearchRequest { Query = "peculiar secret", ProjectId = "p3", Mode = mode, Limit = 10 }, Ct)).Hits;

            Assert.Equal(shared.Id, hits[0].Id);
            Assert.All(hits.Skip(1), h => Assert.Equal("p3", h.ProjectId));
        }
    }

    [Fact]
    public async Task A_project_of_fewer_memories_than_asked_for_gives_all_of_them()
    {
        await using var world = await FillAsync();
        await world.RememberAsync([.. Enumerable.Range(0, 7).Select(n => SearchWorld.Draft($"topic of a tiny project {n}") with { ProjectId = "tiny" })]);

        foreach (var mode in SearchModes.All)
        {
            Assert.Equal(7, (await world.SearchAsync(new SearchRequest { Query = "topic", ProjectId = "tiny", Mode = mode, Limit = 20 })).Hits.Count);
        }
    }
}
