using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Search.Tests;

/// <summary>A handful of memories that differ in everything one can filter by; the tests only read them.</summary>
public sealed class FilterFixture(PostgresFixture postgres) : IAsyncLifetime
{
    internal SearchWorld World { get; private set; } = null!;

    internal static Guid IdOf(string name) => new($"0198c0de-0000-7000-8000-00000000000{name}");

    private static MemoryDraft Named(string name, string content) => SearchWorld.Draft("apple " + content) with { Id = IdOf(name), Title = name };

    public async ValueTask InitializeAsync()
    {
        World = await SearchWorld.StartAsync(postgres);
        var day = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        await World.RememberAsync([
            Named("1", "plain") with { OccurredAt = day, Metadata = """{"n":1,"s":"abc","ok":true,"deep":{"er":{"x":"y"}}}""" },
            Named("2", "of a project") with { OccurredAt = day.AddDays(1), ProjectId = "p", AgentId = "a", Metadata = """{"n":2,"s":"abd","ok":false}""" },
            Named("3", "tagged") with { OccurredAt = day.AddDays(2), Tags = ["red", "green"], Metadata = """{"n":10,"list":["red",3,true]}""" },
            Named("4", "of a repository") with { OccurredAt = day.AddDays(3), Type = "rag", Source = "repository", RepoId = "r", ProjectId = "p", Metadata = """{"n":"2","s":"Z"}""" },
            Named("5", "of a session") with { OccurredAt = day.AddDays(4), Type = "workflow", SessionId = "s", WorkflowId = "w", ExpiresAt = DateTimeOffset.UtcNow.AddYears(1), Metadata = """{"n":null}""" },
            Named("6", "100% '; DROP TABLE memories; -- {0} %s \\ \"quoted\"") with { OccurredAt = day.AddDays(5), Tags = ["'; --"], Metadata = """{"s":"it's 100% {0} %s; --","n":-1.5e3}""" },
        ]);
    }

    public ValueTask DisposeAsync() => World.DisposeAsync();
}

/// <summary>The filter language over every kind of field.</summary>
public sealed class FilterTests(FilterFixture fixture) : IClassFixture<FilterFixture>
{
    [Theory]
    // Texts.
    [InlineData("""{"field":"type","op":"eq","value":"agent"}""", "1236")]
    [InlineData("""{"field":"type","op":"ne","value":"agent"}""", "45")]
    [InlineData("""{"field":"type","op":"in","value":["rag","workflow"]}""", "45")]
    [InlineData("""{"field":"source","op":"eq","value":"repository"}""", "4")]
    [InlineData("""{"field":"projectId","op":"eq","value":"p"}""", "24")]
    [InlineData("""{"field":"projectId","op":"ne","value":"p"}""", "1356")]
    [InlineData("""{"field":"projectId","op":"exists"}""", "24")]
    [InlineData("""{"field":"projectId","op":"exists","value":true}""", "24")]
    [InlineData("""{"field":"projectId","op":"exists","value":false}""", "1356")]
    [InlineData("""{"field":"agentId","op":"eq","value":"a"}""", "2")]
    [InlineData("""{"field":"repoId","op":"eq","value":"r"}""", "4")]
    [InlineData("""{"field":"sessionId","op":"eq","value":"s"}""", "5")]
    [InlineData("""{"field":"workflowId","op":"eq","value":"w"}""", "5")]
    [InlineData("""{"field":"title","op":"gte","value":"5"}""", "56")]
    [InlineData("""{"field":"title","op":"gt","value":"5"}""", "6")]
    [InlineData("""{"field":"title","op":"lt","value":"2"}""", "1")]
    [InlineData("""{"field":"title","op":"lte","value":"2"}""", "12")]
    [InlineData("""{"field":"title","op":"eq","value":"' OR true --"}""", "")]
    [InlineData("""{"field":"content","op":"contains","value":"of a"}""", "245")]
    [InlineData("""{"field":"content","op":"contains","value":"OF A"}""", "")]
    [InlineData("""{"field":"content","op":"contains","value":"100% '; DROP TABLE memories; -- {0} %s \\ \"quoted\""}""", "6")]
    [InlineData("""{"field":"content","op":"contains","value":"%"}""", "6")]
    [InlineData("""{"field":"content","op":"contains","value":"_"}""", "")]
    // Lists.
    [InlineData("""{"field":"tags","op":"contains","value":"red"}""", "3")]
    [InlineData("""{"field":"tags","op":"contains","value":["red","green"]}""", "3")]
    [InlineData("""{"field":"tags","op":"contains","value":["red","blue"]}""", "")]
    [InlineData("""{"field":"tags","op":"in","value":["red","blue","'; --"]}""", "36")]
    [InlineData("""{"field":"tags","op":"exists"}""", "36")]
    [InlineData("""{"field":"tags","op":"exists","value":false}""", "1245")]
    [InlineData("""{"not":{"field":"tags","op":"contains","value":"red"}}""", "12456")]
    // Times.
    [InlineData("""{"field":"occurredAt","op":"eq","value":"2026-01-02T00:00:00Z"}""", "2")]
    [InlineData("""{"field":"occurredAt","op":"eq","value":"2026-01-02T02:00:00+02:00"}""", "2")]
    [InlineData("""{"field":"occurredAt","op":"ne","value":"2026-01-02"}""", "13456")]
    [InlineData("""{"field":"occurredAt","op":"gte","value":"2026-01-05"}""", "56")]
    [InlineData("""{"field":"occurredAt","op":"lt","value":"2026-01-02T00:00:00.000001Z"}""", "12")]
    [InlineData("""{"field":"occurredAt","op":"in","value":["2026-01-01","2026-01-03"]}""", "13")]
    [InlineData("""{"field":"expiresAt","op":"exists"}""", "5")]
    [InlineData("""{"field":"expiresAt","op":"gt","value":"2020-01-01"}""", "5")]
    [InlineData("""{"field":"createdAt","op":"gt","value":"2020-01-01"}""", "123456")]
    [InlineData("""{"field":"updatedAt","op":"lte","value":"2020-01-01"}""", "")]
    // Ids.
    [InlineData("""{"field":"id","op":"eq","value":"0198c0de-0000-7000-8000-000000000003"}""", "3")]
    [InlineData("""{"field":"id","op":"ne","value":"0198c0de-0000-7000-8000-000000000003"}""", "12456")]
    [InlineData("""{"field":"id","op":"in","value":["0198c0de-0000-7000-8000-000000000003","0198C0DE-0000-7000-8000-000000000001"]}""", "13")]
    [InlineData("""{"field":"supersededBy","op":"exists","value":false}""", "123456")]
    // Metadata: numbers as numbers, texts as texts, and never an error over a row of another type.
    [InlineData("""{"field":"metadata.n","op":"eq","value":2}""", "2")]
    [InlineData("""{"field":"metadata.n","op":"eq","value":2.0}""", "2")]
    [InlineData("""{"field":"metadata.n","op":"eq","value":"2"}""", "4")]
    [InlineData("""{"field":"metadata.n","op":"ne","value":2}""", "13456")]
    [InlineData("""{"field":"metadata.n","op":"gt","value":1.5}""", "23")]
    [InlineData("""{"field":"metadata.n","op":"gte","value":2}""", "23")]
    [InlineData("""{"field":"metadata.n","op":"lt","value":2}""", "16")]
    [InlineData("""{"field":"metadata.n","op":"lte","value":-1500}""", "6")]
    [InlineData("""{"field":"metadata.n","op":"lt","value":"3"}""", "4")]
    [InlineData("""{"field":"metadata.n","op":"in","value":[1,"2"]}""", "14")]
    [InlineData("""{"field":"metadata.n","op":"exists"}""", "12346")]
    [InlineData("""{"field":"metadata.n","op":"exists","value":false}""", "5")]
    [InlineData("""{"field":"metadata.ok","op":"eq","value":true}""", "1")]
    [InlineData("""{"field":"metadata.ok","op":"ne","value":true}""", "23456")]
    [InlineData("""{"field":"metadata.s","op":"gte","value":"abd"}""", "26")]
    [InlineData("""{"field":"metadata.s","op":"lt","value":"a"}""", "4")]
    [InlineData("""{"field":"metadata.s","op":"contains","value":"b"}""", "12")]
    [InlineData("""{"field":"metadata.s","op":"eq","value":"it's 100% {0} %s; --"}""", "6")]
    [InlineData("""{"field":"metadata.s","op":"contains","value":"% {0} %"}""", "6")]
    [InlineData("""{"field":"metadata.list","op":"contains","value":"red"}""", "3")]
    [InlineData("""{"field":"metadata.list","op":"contains","value":3}""", "3")]
    [InlineData("""{"field":"metadata.list","op":"contains","value":true}""", "3")]
    [InlineData("""{"field":"metadata.list","op":"contains","value":"re"}""", "")]
    [InlineData("""{"field":"metadata.deep.er.x","op":"eq","value":"y"}""", "1")]
    [InlineData("""{"field":"metadata.deep.er","op":"exists"}""", "1")]
    [InlineData("""{"field":"metadata.'; DROP TABLE memories; --","op":"exists"}""", "")]
    [InlineData("""{"field":"metadata.s","op":"eq","value":"nul\u0000"}""", "")]
    // And, or, not.
    [InlineData("""{"and":[{"field":"projectId","op":"eq","value":"p"},{"field":"type","op":"eq","value":"rag"}]}""", "4")]
    [InlineData("""{"or":[{"field":"projectId","op":"eq","value":"p"},{"field":"type","op":"eq","value":"workflow"}]}""", "245")]
    [InlineData("""{"not":{"field":"projectId","op":"eq","value":"p"}}""", "1356")]
    [InlineData("""{"not":{"or":[{"field":"projectId","op":"exists"},{"not":{"field":"type","op":"eq","value":"agent"}}]}}""", "136")]
    [InlineData("""{"and":[{"or":[{"field":"metadata.n","op":"lt","value":5},{"field":"tags","op":"exists"}]},{"not":{"field":"metadata.n","op":"lt","value":0}}]}""", "123")]
    [InlineData("null", "123456")]
    public async Task A_filter_finds_what_it_says(string filter, string expected)
    {
        foreach (var mode in SearchModes.All)
        {
            var answer = await fixture.World.SearchAsync(new SearchRequest { Query = "apple", Mode = mode, Limit = 50, Filter = JsonElement.Parse(filter) });

            Assert.Equal(expected, string.Concat(answer.Hits.Select(h => h.Title).Order(StringComparer.Ordinal)));
            Assert.Empty(answer.Degraded);
        }
    }

    public static TheoryData<SearchRequest, string> Fields => new()
    {
        { new() { Types = ["rag", "workflow"] }, "45" },
        { new() { Types = [] }, "123456" },
        { new() { Sources = ["repository", "nobody"] }, "4" },
        { new() { ProjectId = "p" }, "24" },
        { new() { ProjectId = "p", RepoId = "r" }, "4" },
        { new() { AgentId = "a" }, "2" },
        { new() { WorkflowId = "w" }, "5" },
        { new() { SessionId = "s" }, "5" },
        { new() { Tags = ["green", "red"] }, "3" },
        { new() { Tags = ["'; --"] }, "6" },
        { new() { After = new(2026, 1, 5, 0, 0, 0, TimeSpan.Zero) }, "56" },
        { new() { Before = new(2026, 1, 2, 0, 0, 0, TimeSpan.Zero) }, "1" },
        { new() { After = new(2026, 1, 2, 0, 0, 0, TimeSpan.Zero), Before = new(2026, 1, 4, 0, 0, 0, TimeSpan.Zero) }, "23" },
        { new() { ProjectId = "' OR true --" }, "" },
        { new() { ProjectId = "p", Types = ["agent"], Filter = JsonElement.Parse("""{"field":"metadata.n","op":"gte","value":2}""") }, "2" },
    };

    [Theory]
    [MemberData(nameof(Fields), DisableDiscoveryEnumeration = true)]
    public async Task A_field_of_the_request_finds_what_it_says(SearchRequest request, string expected)
    {
        foreach (var mode in SearchModes.All)
        {
            var answer = await fixture.World.SearchAsync(request with { Query = "apple", Mode = mode, Limit = 50 });

            Assert.Equal(expected, string.Concat(answer.Hits.Select(h => h.Title).Order(StringComparer.Ordinal)));
        }
    }
}
