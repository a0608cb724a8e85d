using System.Net;
using Mahavishnu.Contracts;

namespace Mahavishnu.Search.Tests;

public sealed class BadInputFixture(PostgresFixture postgres) : IAsyncLifetime
{
    internal SearchWorld World { get; private set; } = null!;

    public async ValueTask InitializeAsync() => World = await SearchWorld.StartAsync(postgres);

    public ValueTask DisposeAsync() => World.DisposeAsync();
}

/// <summary>Whatever is wrong with a request is said under the name of the field.</summary>
public sealed class BadInputTests(BadInputFixture fixture) : IClassFixture<BadInputFixture>
{
    [Theory]
    [InlineData("{}", "query")]
    [InlineData("""{"query":""}""", "query")]
    [InlineData("""{"query":" \n\t "}""", "query")]
    [InlineData("""{"query":"\u0000"}""", "query")]
    [InlineData("""{"query":7}""", "query")]
    [InlineData("""{"query":"a","like":"0198c0de-0000-7000-8000-000000000000"}""", "query")]
    [InlineData("""{"like":"not-an-id"}""", "like")]
    [InlineData("""{"like":""}""", "like")]
    [InlineData("""{"query":"a","limit":0}""", "limit")]
    [InlineData("""{"query":"a","limit":-1}""", "limit")]
    [InlineData("""{"query":"a","limit":201}""", "limit")]
    [InlineData("""{"query":"a","limit":5000}""", "limit")]
    [InlineData("""{"query":"a","limit":"10"}""", "limit")]
    [InlineData("""{"query":"a","limit":1.5}""", "limit")]
    [InlineData("""{"query":"a","mode":"magic"}""", "mode")]
    [InlineData("""{"query":"a","mode":"Hybrid"}""", "mode")]
    [InlineData("""{"query":"a","mode":"0"}""", "mode")]
    [InlineData("""{"query":"a","types":["agent","dream"]}""", "types[1]")]
    [InlineData("""{"query":"a","types":[null]}""", "types[0]")]
    [InlineData("""{"query":"a","types":"agent"}""", "types")]
    [InlineData("""{"query":"a","sources":[""]}""", "sources[0]")]
    [InlineData("""{"query":"a","tags":["ok"," "]}""", "tags[1]")]
    [InlineData("""{"query":"a","projectId":""}""", "projectId")]
    [InlineData("""{"query":"a","sessionId":"  "}""", "sessionId")]
    [InlineData("""{"query":"a","after":"yesterday"}""", "after")]
    [InlineData("""{"query":"a","after":"2026-01-02","before":"2026-01-02"}""", "before")]
    [InlineData("""{"query":"a","threshold":1.01}""", "threshold")]
    [InlineData("""{"query":"a","threshold":-2}""", "threshold")]
    [InlineData("""{"query":"a","threshold":0.5,"mode":"text"}""", "threshold")]
    [InlineData("""{"query":"a","groupBy":"project"}""", "groupBy")]
    [InlineData("""{"query":"a","explain":"yes"}""", "explain")]
    [InlineData("""{"query":"a","queri":"b"}""", "queri")]
    [InlineData("""{"query":"a","filter":[]}""", "filter")]
    [InlineData("""{"query":"a","filter":"type = agent"}""", "filter")]
    [InlineData("""{"query":"a","filter":{}}""", "filter.field")]
    [InlineData("""{"query":"a","filter":{"and":[]}}""", "filter.and")]
    [InlineData("""{"query":"a","filter":{"or":{}}}""", "filter.or")]
    [InlineData("""{"query":"a","filter":{"not":[]}}""", "filter.not")]
    [InlineData("""{"query":"a","filter":{"xor":[]}}""", "filter.xor")]
    [InlineData("""{"query":"a","filter":{"and":[{"field":"type","op":"eq","value":"a"}],"or":[]}}""", "filter.and")]
    [InlineData("""{"query":"a","filter":{"and":[{"field":"type","op":"eq","value":"a"},{"field":"type","op":"like","value":"a"}]}}""", "filter.and[1].op")]
    [InlineData("""{"query":"a","filter":{"not":{"or":[{"field":"words","op":"eq","value":"a"}]}}}""", "filter.not.or[0].field")]
    [InlineData("""{"query":"a","filter":{"field":"type; DROP TABLE memories","op":"eq","value":"a"}}""", "filter.field")]
    [InlineData("""{"query":"a","filter":{"field":"tenantId","op":"eq","value":"a"}}""", "filter.field")]
    [InlineData("""{"query":"a","filter":{"field":7,"op":"eq","value":"a"}}""", "filter.field")]
    [InlineData("""{"query":"a","filter":{"field":"metadata","op":"exists"}}""", "filter.field")]
    [InlineData("""{"query":"a","filter":{"field":"metadata.","op":"exists"}}""", "filter.field")]
    [InlineData("""{"query":"a","filter":{"field":"metadata.a..b","op":"exists"}}""", "filter.field")]
    [InlineData("""{"query":"a","filter":{"field":"metadata.a.b.c.d.e.f.g.h.i","op":"exists"}}""", "filter.field")]
    [InlineData("""{"query":"a","filter":{"field":"type","value":"a"}}""", "filter.op")]
    [InlineData("""{"query":"a","filter":{"field":"type","op":"= 'a' OR","value":"a"}}""", "filter.op")]
    [InlineData("""{"query":"a","filter":{"field":"tags","op":"eq","value":"a"}}""", "filter.op")]
    [InlineData("""{"query":"a","filter":{"field":"occurredAt","op":"contains","value":"2026"}}""", "filter.op")]
    [InlineData("""{"query":"a","filter":{"field":"id","op":"lt","value":"0198c0de-0000-7000-8000-000000000000"}}""", "filter.op")]
    [InlineData("""{"query":"a","filter":{"field":"type","op":"eq"}}""", "filter.value")]
    [InlineData("""{"query":"a","filter":{"field":"type","op":"eq","value":null}}""", "filter.value")]
    [InlineData("""{"query":"a","filter":{"field":"type","op":"eq","value":7}}""", "filter.value")]
    [InlineData("""{"query":"a","filter":{"field":"type","op":"eq","value":["a"]}}""", "filter.value")]
    [InlineData("""{"query":"a","filter":{"field":"type","op":"in","value":"a"}}""", "filter.value")]
    [InlineData("""{"query":"a","filter":{"field":"type","op":"in","value":[]}}""", "filter.value")]
    [InlineData("""{"query":"a","filter":{"field":"type","op":"in","value":["a",1]}}""", "filter.value[1]")]
    [InlineData("""{"query":"a","filter":{"field":"type","op":"exists","value":"yes"}}""", "filter.value")]
    [InlineData("""{"query":"a","filter":{"field":"occurredAt","op":"gt","value":"yesterday"}}""", "filter.value")]
    [InlineData("""{"query":"a","filter":{"field":"occurredAt","op":"gt","value":20260101}}""", "filter.value")]
    [InlineData("""{"query":"a","filter":{"field":"id","op":"eq","value":"7"}}""", "filter.value")]
    [InlineData("""{"query":"a","filter":{"field":"metadata.a","op":"eq","value":null}}""", "filter.value")]
    [InlineData("""{"query":"a","filter":{"field":"metadata.a","op":"eq","value":{"b":1}}}""", "filter.value")]
    [InlineData("""{"query":"a","filter":{"field":"metadata.a","op":"lt","value":true}}""", "filter.value")]
    [InlineData("""{"query":"a","filter":{"field":"metadata.a","op":"lt","value":1e999999}}""", "filter.value")]
    [InlineData("""{"query":"a","filter":{"field":"metadata.a","op":"eq","value":"\ud800"}}""", "filter.value")]
    [InlineData("""{"query":"a","filter":{"field":"type","op":"eq","value":"a","also":1}}""", "filter.also")]
    public async Task A_bad_value_is_named(string body, string field)
    {
        foreach (var path in new[] { "", "/unified" })
        {
            var (status, problem) = await fixture.World.PostAsync(body, path);

            Assert.Equal(HttpStatusCode.BadRequest, status);
            Assert.True(problem["errors"]?[field] is not null, problem.ToJsonString());
            Assert.False(string.IsNullOrWhiteSpace((string?)problem["errors"]![field]![0]));
        }
    }

    [Fact]
    public async Task Every_bad_field_is_named_at_once()
    {
        var (_, problem) = await fixture.World.PostAsync("""{"limit":0,"mode":"x","types":["y"],"filter":{"and":[{"field":"z","op":"eq","value":1},{"field":"type","op":"eq","value":1}]}}""");

        Assert.Equal(
            ["filter.and[0].field", "filter.and[1].value", "limit", "mode", "query", "types[0]"],
            problem["errors"]!.AsObject().Select(e => e.Key).Order(StringComparer.Ordinal));
        Assert.Equal(ErrorCodes.InvalidRequest, (string?)problem["code"]);
    }

    [Fact]
    public async Task Too_much_is_refused_by_name()
    {
        var world = fixture.World;
        var condition = """{"field":"type","op":"eq","value":"a"}""";

        await AssertRefusedAsync(Body("query", $"\"{new string('a', SearchRequest.MaxQueryLength + 1)}\""), "query");
        await AssertRefusedAsync(Body("projectId", $"\"{new string('a', 501)}\""), "projectId");
        await AssertRefusedAsync(Body("sources", List("\"a\"", 101)), "sources");
        await AssertRefusedAsync(Body("filter", $$"""{"or":{{List(condition, 101)}} }"""), "filter.or[100]");
        await AssertRefusedAsync(Body("filter", $$"""{"field":"type","op":"in","value":{{List("\"a\"", 1_001)}} }"""), "filter.value");
        await AssertRefusedAsync(Body("filter", Nested(8)), "filter" + string.Concat(Enumerable.Repeat(".not", 8)));
        Assert.Equal(HttpStatusCode.OK, (await world.PostAsync(Body("filter", Nested(7)))).Status);

        static string Body(string field, string json) => field == "query" ? $$"""{"query":{{json}} }""" : $$"""{"query":"a","{{field}}":{{json}} }""";

        static string List(string item, int count) => $"[{string.Join(',', Enumerable.Repeat(item, count))}]";

        string Nested(int depth) => string.Concat(Enumerable.Repeat("""{"not":""", depth)) + condition + new string('}', depth);

        async Task AssertRefusedAsync(string body, string field)
        {
            var (status, problem) = await world.PostAsync(body);
            Assert.Equal(HttpStatusCode.BadRequest, status);
            Assert.True(problem["errors"]?[field] is not null, problem.ToJsonString());
        }
    }
}
