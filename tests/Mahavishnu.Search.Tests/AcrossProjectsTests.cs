using System.Net;
using Mahavishnu.Contracts;

namespace Mahavishnu.Search.Tests;

/// <summary>A project finds what is around it in one list, and every hit says why.</summary>
public sealed class AcrossProjectsTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static readonly ProjectSearchRequest Apples = new() { Query = "apple", ProjectId = "shop", Limit = 50 };

    private static async Task<SearchWorld> FillAsync(PostgresFixture postgres, params (string Key, string? Value)[] settings)
    {
        var world = await SearchWorld.StartAsync(postgres, settings: settings);
        (string? Project, string Content)[] memories =
        [
            ("shop", "apple of our own"), ("lib", "apple of the library"), ("core", "apple of the core"), ("deep", "apple of the deep"), ("user", "apple of a user"),
            ("sister", "apple of a sister"), ("Shop", "apple of another name"), ("stranger", "apple of a stranger"), (null, "apple of nobody"),
        ];
        await world.RememberAsync([.. memories.Select(m => SearchWorld.Draft(m.Content) with { ProjectId = m.Project })]);
        await world.Database.ExecuteAsync("""
            INSERT INTO project_dependencies (id, source_project, target_project, dependency_type) VALUES
                ('1', 'shop', 'lib', 'uses'), ('2', 'core', 'lib', 'extends'), ('3', 'core', 'deep', 'inspires'), ('4', 'user', 'shop', 'references'), ('5', 'lib', 'shop', 'references')
            """);
        await world.Database.ExecuteAsync("INSERT INTO project_groups (id, name) VALUES ('web', 'Web')");
        await world.Database.ExecuteAsync("INSERT INTO project_group_members (group_id, project_id) VALUES ('web', 'shop'), ('web', 'sister'), ('web', 'user')");
        return world;
    }

    [Fact]
    public async Task Each_hit_says_why_it_is_in_scope_and_the_strongest_reason_counts()
    {
        await using var world = await FillAsync(postgres);

        var one = await world.Host.Search.AcrossProjectsAsync(Apples, Ct);
        var three = await world.Host.Search.AcrossProjectsAsync(Apples with { Hops = 3 }, Ct);

        Assert.Equal(
            new Dictionary<string, HitScope>
            {
                ["shop"] = new("project", null, 0, 1),
                ["lib"] = new("dependency", "shop uses lib", 1, 0.9),
                ["user"] = new("group", "web", 1, 0.85),
                ["sister"] = new("group", "web", 1, 0.85),
            },
            one.Hits.ToDictionary(h => h.ProjectId!, h => h.Scope!));
        var scopes = three.Hits.ToDictionary(h => h.ProjectId!, h => h.Scope!);
        Assert.Equal(["core", "deep", "lib", "shop", "sister", "user"], scopes.Keys.Order());
        Assert.Equal(("dependency", "shop uses lib, core extends lib", 2), (scopes["core"].Reason, scopes["core"].Via, scopes["core"].Distance));
        Assert.Equal(0.9 * 0.95 * 0.9, scopes["core"].Weight, 12);
        Assert.Equal(("shop uses lib, core extends lib, core inspires deep", 3), (scopes["deep"].Via, scopes["deep"].Distance));
        Assert.Equal(0.9 * 0.95 * 0.9 * 0.8 * 0.9, scopes["deep"].Weight, 12);
        Assert.Empty(three.Degraded);
    }

    [Fact]
    public async Task The_score_is_what_the_arms_and_neighbours_gave_times_the_weight()
    {
        await using var world = await FillAsync(postgres, ("Search:Across:DependencyWeights:0", "uses=0.25"), ("Search:Across:GroupWeight", "0.5"));

        foreach (var mode in SearchModes.All)
        {
            var answer = await world.Host.Search.AcrossProjectsAsync(Apples with { Mode = mode, Explain = true }, Ct);

            Assert.Equal(4, answer.Hits.Count);
            Assert.Equal(answer.Hits.OrderByDescending(h => h.Score).Select(h => h.Id), answer.Hits.Select(h => h.Id));
            Assert.All(answer.Hits, h =>
            {
                Assert.Equal(h.Scope!.Weight, h.Explain!.Weight);
                Assert.Equal((h.Explain.Fused + h.Explain.Neighbour) * h.Scope.Weight, h.Score, 9);
            });
            // The library is reached by the shop's "uses", a quarter, or by its own "references", 0.8: the stronger counts.
            Assert.Equal(("lib references shop", 0.8), answer.Hits.Where(h => h.ProjectId == "lib").Select(h => (h.Scope!.Via, h.Scope.Weight)).Single());
        }
    }

    [Fact]
    public async Task Of_what_is_equally_near_the_projects_own_comes_first()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var texts = Enumerable.Range(0, 6).Select(n => SearchWorld.Draft("apple pie") with { ProjectId = n % 2 == 0 ? "lib" : "shop" }).ToList();
        await world.RememberAsync(texts);
        await world.Database.ExecuteAsync("INSERT INTO project_dependencies (id, source_project, target_project, dependency_type) VALUES ('1', 'shop', 'lib', 'uses')");

        var hits = (await world.Host.Search.AcrossProjectsAsync(Apples, Ct)).Hits;

        Assert.Equal(["shop", "shop", "shop", "lib", "lib", "lib"], hits.Select(h => h.ProjectId));
    }

    [Fact]
    public async Task What_was_shared_is_found_until_it_is_withdrawn()
    {
        await using var world = await FillAsync(postgres);
        var (forShop, forWeb, taken) = (Insight("apple for the shop"), Insight("apple for the web"), Insight("apple taken back"));
        await world.RememberAsync([forShop, forWeb, taken]);
        await world.Database.ExecuteAsync(
            "INSERT INTO insight_shares (memory_id, project_id, group_id, withdrawn_at) VALUES ($1, 'shop', NULL, NULL), ($2, NULL, 'web', NULL), ($3, 'shop', NULL, now())", forShop.Id, forWeb.Id, taken.Id);

        foreach (var mode in SearchModes.All)
        {
            var shared = (await world.Host.Search.AcrossProjectsAsync(Apples with { Mode = mode, Reasons = ["shared"] }, Ct)).Hits;
            var unified = (await world.Host.Search.UnifiedAsync(new SearchRequest { Query = "apple", ProjectId = "shop", Mode = mode }, Ct)).Hits;
            var elsewhere = (await world.Host.Search.AcrossProjectsAsync(Apples with { Mode = mode, ProjectId = "sister", Reasons = ["shared"] }, Ct)).Hits;

            Assert.Equal(
                new Dictionary<Guid, HitScope> { [forShop.Id] = new("shared", null, 1, 0.95), [forWeb.Id] = new("shared", "web", 1, 0.95) },
                shared.ToDictionary(h => h.Id, h => h.Scope!));
            Assert.Equal(new HashSet<Guid> { forShop.Id, forWeb.Id }, unified.Where(h => h.Origin == "shared").Select(h => h.Id).ToHashSet());
            Assert.Equal([forWeb.Id], elsewhere.Select(h => h.Id));
        }

        await world.Database.ExecuteAsync("UPDATE insight_shares SET withdrawn_at = now()");
        Assert.Empty((await world.Host.Search.AcrossProjectsAsync(Apples with { Reasons = ["shared"] }, Ct)).Hits);

        static Storage.MemoryDraft Insight(string content) => SearchWorld.Draft(content) with { ProjectId = "stranger", Type = MemoryTypes.Insight };
    }

    [Fact]
    public async Task Filters_groups_of_hits_and_likeness_work_as_in_any_search()
    {
        await using var world = await FillAsync(postgres);
        var turns = Enumerable.Range(0, 3).Select(n => SearchWorld.Draft($"apple turn {n}") with { ProjectId = "lib", SessionId = "s", Tags = ["talk"] }).ToList();
        await world.RememberAsync(turns);

        var tagged = (await world.Host.Search.AcrossProjectsAsync(Apples with { Tags = ["talk"] }, Ct)).Hits;
        var grouped = (await world.Host.Search.AcrossProjectsAsync(Apples with { Tags = ["talk"], GroupBy = "session" }, Ct)).Hits;
        var like = (await world.Host.Search.AcrossProjectsAsync(Apples with { Query = null, Like = turns[0].Id.ToString(), Tags = ["talk"] }, Ct)).Hits;
        var near = (await world.Host.Search.AcrossProjectsAsync(Apples with { Query = "apple of the library", Threshold = 0.99 }, Ct)).Hits;
        var missing = await Assert.ThrowsAsync<ApiException>(() => world.Host.Search.AcrossProjectsAsync(Apples with { Query = null, Like = Guid.CreateVersion7().ToString() }, Ct));

        Assert.Equal(turns.Select(t => t.Id).ToHashSet(), tagged.Select(h => h.Id).ToHashSet());
        Assert.Single(grouped);
        Assert.Equal(turns.Skip(1).Select(t => t.Id).ToHashSet(), like.Select(h => h.Id).ToHashSet());
        Assert.Equal(["lib"], near.Select(h => h.ProjectId));
        Assert.Equal(404, missing.Status);
    }

    [Fact]
    public async Task A_project_that_nobody_knows_finds_nothing()
    {
        await using var world = await FillAsync(postgres);

        var answer = await world.Host.Search.AcrossProjectsAsync(Apples with { ProjectId = "nowhere", Hops = 3 }, Ct);

        Assert.Empty(answer.Hits);
        Assert.Empty(answer.Degraded);
    }

    [Theory]
    [InlineData("""{"query":"apple"}""", "projectId")]
    [InlineData("""{"query":"apple","projectId":" "}""", "projectId")]
    [InlineData("""{"query":"apple","projectId":"p","hops":0}""", "hops")]
    [InlineData("""{"query":"apple","projectId":"p","hops":4}""", "hops")]
    [InlineData("""{"query":"apple","projectId":"p","reasons":[]}""", "reasons")]
    [InlineData("""{"query":"apple","projectId":"p","reasons":["friend"]}""", "reasons[0]")]
    [InlineData("""{"projectId":"p"}""", "query")]
    [InlineData("""{"query":"apple","projectId":"p","depth":2}""", "depth")]
    public async Task A_question_that_is_not_right_names_its_field(string body, string field)
    {
        await using var world = await SearchWorld.StartAsync(postgres);

        var (status, answer) = await world.PostAsync(body, "/projects");

        Assert.Equal((HttpStatusCode.BadRequest, field), (status, Assert.Single(answer["errors"]!.AsObject()).Key));
    }
}
