using System.Net;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest.Tests;

/// <summary>What holds for every request for an index: it is accepted, or refused with the field's name; nothing of it gets into a statement.</summary>
public sealed class IndexLaws(PostgresFixture postgres)
{
    // The same requests every time: what fails once fails again.
    private static readonly Rnd Seed = new(20_260_131, 1);

    private static readonly string[] Signs =
    [
        "", " ", "'", "''", "\"", ";", "--", "/*", "$1", "\0", "\n", "hnsw;", "ivfflat) WITH (lists = 1); DROP TABLE memories; --", "HNSW", "flat", "none ", "pg_sleep(9)", "猫", "😀",
    ];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_request_for_an_index_is_an_error_of_the_server()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        await using var host = await IngestHost.StartAsync(database, new StrangeModel());
        await host.Memories.AddBatchAsync([.. Enumerable.Range(0, 30).Select(i => new NewMemory { Content = $"memory {i}" })], ct: Ct);
        await Eventually.Async(async () => await database.ScalarAsync<long>("SELECT count(*) FROM embedding_spaces") == 1, "The space");

        var accepted = 0;
        foreach (var body in Requests().Sample(150, Seed, 12))
        {
            var answer = await host.Http.PostAsync("/embeddings/1:index", body);

            Assert.True(answer.Status is HttpStatusCode.Accepted or HttpStatusCode.BadRequest or HttpStatusCode.Conflict, $"{body} → {answer.Status} {answer.Body?.ToJsonString()}");
            Assert.True(answer.Status == HttpStatusCode.Accepted || answer.Code is not null, body);
            accepted += answer.Status == HttpStatusCode.Accepted ? 1 : 0;
        }

        Assert.InRange(accepted, 1, 149);
        // Whatever was accepted ends, as a kind that there is.
        var ended = await Eventually.Async(
            async () => (await host.Operations.ListAsync("index", ct: Ct)).Items, ops => ops.All(o => OperationStates.IsFinal(o.State)), "The operations' end", TimeSpan.FromMinutes(2));
        Assert.All(ended, o => Assert.True(o.State == OperationStates.Completed, $"{o.Error}"));
        Assert.Equal(30, await database.ScalarAsync<long>("SELECT count(*) FROM memories"));
    }

    private static Gen<string> Requests()
    {
        var numbers = Gen.Elements<JsonNode?>(JsonValue.Create(1), JsonValue.Create(0), JsonValue.Create(-1), JsonValue.Create(32_768), JsonValue.Create(32_769), JsonValue.Create(long.MaxValue), JsonValue.Create(1.5), JsonValue.Create("7"), null, JsonValue.Create(7));
        var kinds = Gen.OneOf(Gen.Elements([.. VectorIndexKinds.All]), Gen.Elements(Signs)).Select(k => (JsonNode?)JsonValue.Create(k));
        var values = Gen.OneOf(numbers, kinds, Gen.Constant<JsonNode?>(new JsonArray(1)), Gen.Constant<JsonNode?>(new JsonObject { ["a"] = 1 }), Gen.Constant<JsonNode?>(true));
        return from kind in Gen.OneOf(kinds, kinds, values)
               from lists in Gen.OneOf(numbers, values)
               from probes in Gen.OneOf(numbers, values)
               from which in Gen.Choose(0, 7)
               select Body(kind, (which & 1) == 0 ? null : ("lists", lists), (which & 2) == 0 ? null : ("probes", probes), which == 4);
    }

    private static string Body(JsonNode? kind, (string, JsonNode?)? lists, (string, JsonNode?)? probes, bool withoutKind)
    {
        var body = new JsonObject();
        foreach (var (name, value) in new[] { withoutKind ? null : ("kind", kind), lists, probes }.OfType<(string, JsonNode?)>())
        {
            body[name] = value?.DeepClone();
        }

        return body.ToJsonString();
    }
}
