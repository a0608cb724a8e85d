using Mahavishnu.Contracts;

namespace Mahavishnu.EndToEnd.Tests;

public abstract partial class Suite
{
    private ProjectsClient Projects => new(System.Http);

    private InsightSharesClient Shares => new(System.Http);

    [Fact]
    public async Task A_search_across_projects_says_why_each_hit_is_there_and_never_shows_an_unrelated_projects_row()
    {
        var (shop, lib, core, sister, stranger, group) = (Unique("shop"), Unique("lib"), Unique("core"), Unique("sister"), Unique("stranger"), Unique("web"));
        await Projects.PutAsync(shop, new PutProject { Role = "service", Tags = ["web"] }, Ct);
        await Projects.PutGroupAsync(group, new PutProjectGroup { Members = [shop] }, Ct);
        await Projects.AddMemberAsync(group, sister, Ct);
        await Projects.AddDependencyAsync(new NewDependency { Source = shop, Target = lib, Kind = DependencyKinds.Uses }, Ct);
        await Projects.AddDependencyAsync(new NewDependency { Source = core, Target = lib, Kind = DependencyKinds.Extends }, Ct);
        foreach (var project in (string?[])[shop, lib, core, sister, stranger, null])
        {
            await EmbeddedAsync((await Memories.AddAsync(new NewMemory { Content = $"The valve of {project ?? "nobody"} in the boiler room leaks.", ProjectId = project }, Ct)).Id);
        }

        var (forShop, forGroup, ofStranger) = (await InsightAsync("closed too late"), await InsightAsync("too old"), await InsightAsync("nobody's business"));
        await Shares.ShareAsync(forShop, new ShareInsightRequest { Projects = [shop], By = "ana", Reason = "It leaks there, too." }, Ct);
        var shared = Assert.Single((await Shares.ShareAsync(forGroup, new ShareInsightRequest { Groups = [group] }, Ct)).Items);

        var across = new ProjectSearchRequest { Query = "Why does the valve in the boiler room leak?", ProjectId = shop, Limit = 50 };
        (string, string?, Guid?)[] near = [("project", null, null), ("dependency", $"{shop} uses {lib}", null), ("group", group, null), ("shared", null, forShop), ("shared", group, forGroup)];
        await FindsAsync(across, near);
        await FindsAsync(across with { Hops = 2 }, [.. near, ("dependency", $"{shop} uses {lib}, {core} extends {lib}", null)]);
        await FindsAsync(across with { Reasons = ["project", "group"] }, near[0], near[2]);
        Assert.Equal(
            new HashSet<Guid> { forShop, forGroup },
            (await System.Search.UnifiedAsync(new SearchRequest { Query = across.Query, ProjectId = shop }, Ct)).Hits.Where(h => h.Origin == "shared").Select(h => h.Id).ToHashSet());

        await Shares.WithdrawAsync(forGroup, shared.Id, "bo", Ct);
        await FindsAsync(across, near[..4]);
        Assert.Equal("bo", Assert.Single((await Shares.ListAsync(forGroup, Ct)).Items).WithdrawnBy);
        await Projects.RemoveMemberAsync(group, sister, Ct);
        await FindsAsync(across, near[0], near[1], near[3]);

        async Task<Guid> InsightAsync(string what)
        {
            var insight = await Memories.AddAsync(new NewMemory { Content = $"A valve that leaks is {what}: {stranger}.", Type = MemoryTypes.Insight, ProjectId = stranger }, Ct);
            return (await EmbeddedAsync(insight.Id)).Id;
        }

        async Task FindsAsync(ProjectSearchRequest request, params IEnumerable<(string Reason, string? Via, Guid? Insight)> expected)
        {
            foreach (var mode in SearchModes.All)
            {
                var hits = (await System.Search.AcrossProjectsAsync(request with { Mode = mode }, Ct)).Hits;
                Assert.DoesNotContain(hits, h => h.Id == ofStranger);
                Assert.Equal(
                    expected.OrderBy(e => e).ToList(),
                    hits.Select(h => (h.Scope!.Reason, h.Scope.Via, h.Scope.Reason == "shared" ? h.Id : (Guid?)null)).OrderBy(e => e).ToList());
            }
        }
    }

    [Fact]
    public async Task A_project_tells_what_went_on_in_it_and_what_it_asks_in_vain_and_keeps_its_memories_when_it_is_taken_back()
    {
        var (project, other) = (Unique("mill"), Unique("forge"));
        var registered = await Projects.PutAsync(project, new PutProject { Name = "The mill", Path = "/home/ana/mill", Role = "service", Description = "Grinds.", Tags = ["flour"] }, Ct);
        Assert.Equal((true, "The mill", "/home/ana/mill", "service", 0L), (registered.Registered, registered.Name, registered.Path, registered.Role, registered.Memories));
        await Memories.AddAsync(new NewMemory { Content = "The millstone turns once a second.", ProjectId = project, AgentId = "ana", SessionId = "monday", Tags = ["stone"] }, Ct);
        var insight = await Memories.AddAsync(new NewMemory { Content = "Stones wear down by the rim first.", Type = MemoryTypes.Insight, ProjectId = project, Tags = ["stone"] }, Ct);
        await Shares.ShareAsync(insight.Id, new ShareInsightRequest { Projects = [other] }, Ct);
        var question = new SearchRequest { Query = $"xyzzy{project[5..]} whereabouts", ProjectId = project, Mode = SearchModes.Text };
        Assert.Empty((await System.Search.SearchAsync(question, Ct)).Hits);
        Assert.Empty((await System.Search.SearchAsync(question with { Query = question.Query + "?" }, Ct)).Hits);

        // What was asked is written down a moment after the answer.
        var overview = await Eventually.Async(() => Projects.OverviewAsync(project, weeks: 2, ct: Ct), o => o.Gaps.Count > 0 && o.Gaps[0].Asked == 2, "The gap");

        Assert.Equal((2L, 2L), (overview.Project.Memories, overview.Activity.Weeks.Sum(w => w.Types.Values.Sum())));
        Assert.Equal([("ana", 1L)], overview.Activity.Agents.Select(a => (a.AgentId, a.Memories)));
        Assert.Equal([("stone", 2L)], overview.Patterns.Tags.Select(t => (t.Tag, t.Memories)));
        Assert.Equal([(insight.Id, 1L)], overview.Patterns.SharedInsights.Select(i => (i.Id, i.Shares)));
        Assert.Equal((question.Query + "?", 2L), (overview.Gaps[0].Question, overview.Gaps[0].Unanswered));

        Assert.Equal(new KeptOfProject(Memories: 2, Groups: 0, Dependencies: 0, Shares: 0), (await Projects.DeleteAsync(project, Ct)).Kept);
        Assert.Equal((false, 2L), ((await Projects.GetAsync(project, Ct)).Registered, (await Projects.GetAsync(project, Ct)).Memories));
        Assert.Equal(404, (await Assert.ThrowsAsync<ApiException>(() => Projects.GetAsync(Unique("nowhere"), Ct))).Status);
    }

    [Fact]
    public async Task Dependencies_and_links_are_kept_once_listed_from_either_end_and_removed()
    {
        var (monday, tuesday, shop, lib) = ($"{Unique("day")}/monday", Unique("tuesday"), Unique("shop"), Unique("lib"));

        var link = await Projects.LinkSessionsAsync(new NewSessionLink { Source = tuesday, Target = monday, Kind = SessionLinkKinds.Continuation, Context = "Went on." }, Ct);
        var again = await Projects.LinkSessionsAsync(new NewSessionLink { Source = tuesday, Target = monday, Kind = SessionLinkKinds.Continuation }, Ct);
        var uses = await Projects.AddDependencyAsync(new NewDependency { Source = shop, Target = lib }, Ct);
        await Projects.AddDependencyAsync(new NewDependency { Source = shop, Target = lib, Kind = "mimics" }, Ct);

        Assert.Equal((link.Id, "Went on."), (again.Id, again.Context));
        Assert.Equal(link.Id, Assert.Single((await Projects.ListSessionLinksAsync(monday, SessionLinkKinds.Continuation, ct: Ct)).Items).Id);
        Assert.Empty((await Projects.ListSessionLinksAsync(monday, SessionLinkKinds.Related, ct: Ct)).Items);
        Assert.Equal(["mimics", "uses"], (await Projects.ListDependenciesAsync(lib, DependencyDirections.Inbound, ct: Ct)).Items.Select(d => d.Kind).Order(StringComparer.Ordinal));
        Assert.Empty((await Projects.ListDependenciesAsync(lib, DependencyDirections.Outbound, ct: Ct)).Items);

        await Projects.DeleteSessionLinkAsync(link.Id, Ct);
        await Projects.DeleteDependencyAsync(uses.Id, Ct);
        Assert.Empty((await Projects.ListSessionLinksAsync(tuesday, ct: Ct)).Items);
        Assert.Equal("mimics", Assert.Single((await Projects.ListDependenciesAsync(shop, ct: Ct)).Items).Kind);
    }
}
