using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest.Tests;

/// <summary>Projects over REST: registered or only named, in groups, depending on each other, and what is shared between them.</summary>
public sealed class ProjectTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static readonly PutProject Shop = new()
    {
        Name = "The shop",
        Path = "/src/shop",
        Role = "service",
        Description = "Sells.",
        Tags = ["web"],
        Metadata = JsonElement.Parse("""{"team":"red"}"""),
    };

    [Fact]
    public async Task A_project_is_registered_read_said_anew_and_taken_back_while_its_memories_stay()
    {
        await using var world = await World.StartAsync(postgres);
        var memory = await world.Host.Memories.AddAsync(new NewMemory { Content = "Prices are in cents.", ProjectId = "shop" }, Ct);
        await world.Projects.PutGroupAsync("web", new PutProjectGroup { Members = ["shop"] }, Ct);
        await world.Projects.AddDependencyAsync(new NewDependency { Source = "shop", Target = "lib" }, Ct);

        var made = await world.Projects.PutAsync("shop", Shop, Ct);
        var again = await world.Projects.PutAsync("shop", Shop, Ct);
        var changed = await world.Projects.PutAsync("shop", new PutProject { Role = "library" }, Ct);

        Assert.Equal(
            ("shop", true, "The shop", "/src/shop", "service", "Sells.", 1L, memory.OccurredAt),
            (made.Id, made.Registered, made.Name, made.Path, made.Role, made.Description, made.Memories, made.LastMemoryAt!.Value));
        Assert.Equal(["web"], made.Tags);
        Assert.Equal(["web"], made.Groups);
        Assert.Equal("red", made.Metadata.GetProperty("team").GetString());
        Assert.Equal((made.CreatedAt, made.UpdatedAt), (again.CreatedAt, again.UpdatedAt));
        Assert.Equal(("shop", "library", "", null), (changed.Name, changed.Role, changed.Description, changed.Path));
        Assert.Empty(changed.Tags);
        Assert.True(changed.UpdatedAt > made.UpdatedAt);

        var removal = await world.Projects.DeleteAsync("shop", Ct);

        Assert.Equal(new ProjectRemoval("shop", new KeptOfProject(Memories: 1, Groups: 1, Dependencies: 1, Shares: 0)), removal);
        Assert.Equal((false, "shop", 1L), await world.SeenAsync("shop"));
        Assert.Equal(memory.Id, (await world.Host.Memories.GetAsync(memory.Id, Ct)).Id);
    }

    [Fact]
    public async Task What_is_named_anywhere_is_listed_with_its_counts_page_by_page()
    {
        await using var world = await World.StartAsync(postgres);
        await world.Projects.PutAsync("registered", new PutProject(), Ct);
        await world.Projects.PutAsync("/home/me/src/a b", new PutProject(), Ct);
        await world.Host.Memories.AddAsync(new NewMemory { Content = "One.", ProjectId = "Remembered" }, Ct);
        await world.Host.Memories.AddAsync(new NewMemory { Content = "Two.", ProjectId = "remembered" }, Ct);
        await world.Host.Memories.AddAsync(new NewMemory { Content = "Three.", ProjectId = "remembered" }, Ct);
        var gone = await world.Host.Memories.AddAsync(new NewMemory { Content = "Four.", ProjectId = "forgotten" }, Ct);
        await world.Host.Memories.DeleteAsync(gone.Id, Ct);
        await world.Projects.PutGroupAsync("g", new PutProjectGroup { Members = ["member"] }, Ct);
        await world.Projects.AddDependencyAsync(new NewDependency { Source = "source", Target = "target" }, Ct);

        var all = (await world.Projects.ListAsync(ct: Ct)).Items;
        var paged = new List<string>();
        string? cursor = null;
        do
        {
            var page = await world.Projects.ListAsync(limit: 2, cursor, Ct);
            Assert.InRange(page.Items.Count, 1, 2);
            paged.AddRange(page.Items.Select(p => p.Id));
            cursor = page.NextCursor;
        }
        while (cursor is not null);

        Assert.Equal(
            new Dictionary<string, (bool, long)>
            {
                ["/home/me/src/a b"] = (true, 0),
                ["member"] = (false, 0),
                ["registered"] = (true, 0),
                ["Remembered"] = (false, 1),
                ["remembered"] = (false, 2),
                ["source"] = (false, 0),
                ["target"] = (false, 0),
            },
            all.ToDictionary(p => p.Id, p => (p.Registered, p.Memories)));
        Assert.Equal(all.Select(p => p.Id), paged);
        Assert.Equal("/home/me/src/a b", (await world.Projects.GetAsync("/home/me/src/a b", Ct)).Id);
        Assert.Equal((false, "member", 0L), await world.SeenAsync("member"));
        Assert.Equal((false, "target", 0L), await world.SeenAsync("target"));
    }

    [Fact]
    public async Task A_group_is_what_was_said_last()
    {
        await using var world = await World.StartAsync(postgres);

        var made = await world.Projects.PutGroupAsync("web", new PutProjectGroup { Name = "Web", Description = "All of it.", Members = ["b", "a", "a"] }, Ct);
        var added = await world.Projects.AddMemberAsync("web", "c/d", Ct);
        await world.Projects.AddMemberAsync("web", "c/d", Ct);
        await world.Projects.RemoveMemberAsync("web", "a", Ct);
        var changed = await world.Projects.GetGroupAsync("web", Ct);
        var again = await world.Projects.PutGroupAsync("web", new PutProjectGroup { Members = ["a"] }, Ct);
        await world.Projects.PutGroupAsync("other", new PutProjectGroup(), Ct);

        Assert.Equal(("Web", "All of it."), (made.Name, made.Description));
        Assert.Equal(["a", "b"], made.Members);
        Assert.Equal(["a", "b", "c/d"], added.Members);
        Assert.Equal(["b", "c/d"], changed.Members);
        Assert.Equal(("web", "", made.CreatedAt), (again.Name, again.Description, again.CreatedAt));
        Assert.Equal(["a"], again.Members);
        Assert.Equal(["other", "web"], (await world.Projects.ListGroupsAsync(ct: Ct)).Items.Select(g => g.Id));
        Assert.Equal(["web"], (await world.Projects.ListGroupsAsync(project: "a", ct: Ct)).Items.Select(g => g.Id));

        await world.Projects.DeleteGroupAsync("web", Ct);
        Assert.Equal(404, (await Assert.ThrowsAsync<ApiException>(() => world.Projects.GetGroupAsync("web", Ct))).Status);
        Assert.Equal(0, await world.Database.ScalarAsync<long>("SELECT count(*) FROM project_group_members"));
    }

    [Fact]
    public async Task The_same_dependency_said_twice_is_one_and_any_kind_is_kept()
    {
        await using var world = await World.StartAsync(postgres);
        await world.Database.ExecuteAsync("INSERT INTO project_dependencies (id, source_project, target_project, dependency_type) VALUES ('imported-1', 'shop', 'old', 'extends')");

        var uses = await world.Projects.AddDependencyAsync(new NewDependency { Source = "shop", Target = "lib", Description = "For prices." }, Ct);
        var same = await world.Projects.AddDependencyAsync(new NewDependency { Source = "shop", Target = "lib", Kind = "uses" }, Ct);
        var inspires = await world.Projects.AddDependencyAsync(new NewDependency { Source = "lib", Target = "shop", Kind = "inspires" }, Ct);
        var imported = await world.Projects.AddDependencyAsync(new NewDependency { Source = "shop", Target = "old", Kind = "extends" }, Ct);

        Assert.Equal(("uses", "For prices."), (uses.Kind, uses.Description));
        Assert.Equal((uses.Id, "For prices."), (same.Id, same.Description));
        Assert.Equal("inspires", inspires.Kind);
        Assert.Equal("imported-1", imported.Id);
        Assert.Equal(new HashSet<string> { uses.Id, "imported-1" }, await IdsAsync(DependencyDirections.Outbound));
        Assert.Equal(new HashSet<string> { inspires.Id }, await IdsAsync(DependencyDirections.Inbound));
        Assert.Equal(new HashSet<string> { uses.Id, "imported-1", inspires.Id }, await IdsAsync(null));
        Assert.Equal([inspires.Id], (await world.Projects.ListDependenciesAsync(kind: "inspires", ct: Ct)).Items.Select(d => d.Id));

        await world.Projects.DeleteDependencyAsync(uses.Id, Ct);
        Assert.Equal(404, (await Assert.ThrowsAsync<ApiException>(() => world.Projects.GetDependencyAsync(uses.Id, Ct))).Status);

        async Task<HashSet<string>> IdsAsync(string? direction) =>
            [.. (await world.Projects.ListDependenciesAsync("shop", direction, ct: Ct)).Items.Select(d => d.Id)];
    }

    [Fact]
    public async Task Sessions_are_linked_listed_from_either_end_and_parted()
    {
        await using var world = await World.StartAsync(postgres);

        var link = await world.Projects.LinkSessionsAsync(new NewSessionLink { Source = "monday", Target = "tuesday", Kind = "continuation", Context = "Went on." }, Ct);
        var same = await world.Projects.LinkSessionsAsync(new NewSessionLink { Source = "monday", Target = "tuesday", Kind = "continuation" }, Ct);
        var other = await world.Projects.LinkSessionsAsync(new NewSessionLink { Source = "monday", Target = "friday" }, Ct);

        Assert.Equal((link.Id, "Went on."), (same.Id, same.Context));
        Assert.Equal("related", other.Kind);
        Assert.Equal([link.Id], (await world.Projects.ListSessionLinksAsync("tuesday", ct: Ct)).Items.Select(l => l.Id));
        Assert.Equal(2, (await world.Projects.ListSessionLinksAsync("monday", ct: Ct)).Items.Count);

        await world.Projects.DeleteSessionLinkAsync(link.Id, Ct);
        Assert.Equal([other.Id], (await world.Projects.ListSessionLinksAsync(ct: Ct)).Items.Select(l => l.Id));
    }

    [Fact]
    public async Task A_share_says_who_when_and_why_and_stays_known_once_it_is_withdrawn()
    {
        await using var world = await World.StartAsync(postgres);
        var insight = await world.InsightAsync("Always close the pool.");
        await world.Projects.PutGroupAsync("web", new PutProjectGroup { Members = ["lib"] }, Ct);

        var shared = (await world.Shares.ShareAsync(insight, new ShareInsightRequest { Projects = ["shop", "shop"], Groups = ["web"], By = "ana", Reason = "It leaks there too." }, Ct)).Items;
        var again = (await world.Shares.ShareAsync(insight, new ShareInsightRequest { Projects = ["shop", "docs"], By = "bo" }, Ct)).Items;

        Assert.Equal([("shop", null), (null, "web")], shared.Select(s => (s.ProjectId, s.GroupId)));
        Assert.All(shared, s => Assert.Equal((insight, "ana", "It leaks there too.", null), (s.InsightId, s.By, s.Reason, s.WithdrawnAt)));
        Assert.Equal([("docs", "bo"), ("shop", "ana")], again.Select(s => (s.ProjectId, s.By)));
        Assert.Equal(shared[0].Id, again[1].Id);

        await world.Shares.WithdrawAsync(insight, shared[0].Id, "cy", Ct);
        await world.Shares.WithdrawAsync(insight, shared[0].Id, "di", Ct);
        var anew = Assert.Single((await world.Shares.ShareAsync(insight, new ShareInsightRequest { Projects = ["shop"] }, Ct)).Items);
        await world.Projects.DeleteGroupAsync("web", Ct);
        var history = (await world.Shares.ListAsync(insight, Ct)).Items;

        Assert.NotEqual(shared[0].Id, anew.Id);
        Assert.Equal(4, history.Count);
        var withdrawn = Assert.Single(history, s => s.Id == shared[0].Id);
        Assert.Equal("cy", withdrawn.WithdrawnBy);
        Assert.True(withdrawn.WithdrawnAt >= withdrawn.SharedAt);
        Assert.NotNull(Assert.Single(history, s => s.GroupId == "web").WithdrawnAt);
        Assert.Equal(["docs", "shop"], history.Where(s => s.WithdrawnAt is null).Select(s => s.ProjectId).Order());
    }

    [Fact]
    public async Task What_cannot_be_shared_says_why()
    {
        await using var world = await World.StartAsync(postgres);
        var insight = await world.InsightAsync("Always close the pool.");
        var talk = (await world.Host.Memories.AddAsync(new NewMemory { Content = "Good morning." }, Ct)).Id;

        var noInsight = await RefusedAsync(talk, new ShareInsightRequest { Projects = ["shop"] });
        var own = await RefusedAsync(insight, new ShareInsightRequest { Projects = ["shop", "core"] });
        var noGroup = await RefusedAsync(insight, new ShareInsightRequest { Projects = ["shop"], Groups = ["web"] });
        await world.Host.Memories.DeleteAsync(insight, Ct);
        var deleted = await RefusedAsync(insight, new ShareInsightRequest { Projects = ["shop"] });

        Assert.Equal((409, 400, 400, 404), (noInsight.Status, own.Status, noGroup.Status, deleted.Status));
        Assert.Equal(["projects[1]"], own.Errors.Keys);
        Assert.Equal(["groups[0]"], noGroup.Errors.Keys);
        Assert.Equal(0, await world.Database.ScalarAsync<long>("SELECT count(*) FROM insight_shares"));

        Task<ApiException> RefusedAsync(Guid id, ShareInsightRequest request) => Assert.ThrowsAsync<ApiException>(() => world.Shares.ShareAsync(id, request, Ct));
    }

    private sealed class World(TestDatabase database, TestHost host) : IAsyncDisposable
    {
        public TestDatabase Database => database;

        public TestHost Host => host;

        public ProjectsClient Projects { get; } = new(host.Http);

        public InsightSharesClient Shares { get; } = new(host.Http);

        public static async Task<World> StartAsync(PostgresFixture postgres)
        {
            var database = await postgres.CreateDatabaseAsync();
            return new World(database, await IngestHost.StartAsync(database));
        }

        public async Task<Guid> InsightAsync(string content) =>
            (await host.Memories.AddAsync(new NewMemory { Type = MemoryTypes.Insight, Content = content, ProjectId = "core" }, Ct)).Id;

        public async Task<(bool Registered, string Name, long Memories)> SeenAsync(string id)
        {
            var project = await Projects.GetAsync(id, Ct);
            return (project.Registered, project.Name, project.Memories);
        }

        public async ValueTask DisposeAsync()
        {
            await host.DisposeAsync();
            await database.DisposeAsync();
        }
    }
}
