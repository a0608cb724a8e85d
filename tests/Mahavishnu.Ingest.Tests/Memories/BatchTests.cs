using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest.Tests;

/// <summary>Many memories in one request, in both spellings.</summary>
public sealed class BatchTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;
    private TestDatabase _database = null!;
    private TestHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await postgres.CreateDatabaseAsync();
        _host = await IngestHost.StartAsync(_database);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ten_thousand_items_with_duplicates_inside_and_against_the_table_are_each_stored_once(bool lines)
    {
        // 2,000 that are there, 2,000 that repeat an item of the batch, 6,000 new ones.
        await _host.Memories.AddBatchAsync([.. Enumerable.Range(0, 2_000).Select(i => new NewMemory { Content = $"memory {i}" })], ct: Ct);
        var items = Enumerable.Range(0, 8_000).Concat(Enumerable.Range(3_000, 2_000)).Select(i => new JsonObject { ["content"] = $"memory {i}" }).ToList();

        var answer = await PostAsync(items, lines);

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var result = answer.Body.Deserialize<BatchResult>(WireJson.Strict)!;
        Assert.Equal(new BatchCounts(6_000, 4_000, 0, 0), result.Counts);
        Assert.Equal(Enumerable.Range(0, 10_000), result.Results.Select(r => r.Index));
        Assert.Equal(Enumerable.Range(3_000, 2_000).Select(i => result.Results[i].Id), result.Results.Skip(8_000).Select(r => r.Id));
        Assert.Equal(8_000, await _database.ScalarAsync<long>("SELECT count(*) FROM memories"));
        var third = await _host.Memories.GetAsync(result.Results[7_999].Id!.Value, Ct);
        Assert.Equal("memory 7999", third.Content);
    }

    [Fact]
    public async Task Eight_batches_with_the_same_items_at_once_store_each_of_them_once()
    {
        var items = Enumerable.Range(0, 3_000).Select(i => new NewMemory { Content = $"contended {i}" }).ToList();
        var orders = Enumerable.Range(0, 8).Select(seed =>
        {
            var order = items.ToArray();
            new Random(seed).Shuffle(order);
            return order;
        });

        var results = await Task.WhenAll(orders.Select(order => _host.Memories.AddBatchAsync(order, ct: Ct)));

        Assert.Equal(3_000, results.Sum(r => r.Counts.Created));
        Assert.Equal(7 * 3_000, results.Sum(r => r.Counts.Duplicate));
        Assert.Equal(3_000, await _database.ScalarAsync<long>("SELECT count(*) FROM memories"));
        Assert.Equal(3_000, await _database.ScalarAsync<long>("SELECT count(DISTINCT dedupe_key) FROM memories"));
    }

    [Fact]
    public async Task A_broken_line_fails_alone()
    {
        var answer = await _host.Http.PostAsync("/memories:batch", "\uFEFF{\"content\":\"first\"}\r\n\n{\"content\":\n{\"content\":\"a\\u0000\\ud800\"}\n   \n{\"content\":\"last\"}", "application/x-ndjson; charset=utf-8");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var results = answer.Body!["results"]!.AsArray();
        Assert.Equal(["created", "error", "created", "created"], results.Select(r => (string?)r!["status"]));
        Assert.Equal("malformed_json", (string?)results[1]!["error"]!["code"]);
        Assert.Equal(["a\uFFFD", "first", "last"], (await _host.Memories.ListAsync([], Ct)).Items.Select(m => m.Content).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_batch_may_be_empty()
    {
        Assert.Equal(0, (int?)(await _host.Http.PostAsync("/memories:batch", """{"memories":[]}""")).Body!["counts"]!["created"]);
        Assert.Equal(0, (int?)(await _host.Http.PostAsync("/memories:batch", "", "application/x-ndjson")).Body!["counts"]!["created"]);
    }

    [Fact]
    public async Task Lines_beyond_ten_thousand_are_refused_and_said_to_be()
    {
        var lines = new StringBuilder().AppendJoin('\n', Enumerable.Range(0, MemoryLimits.BatchItems + 5).Select(i => $$"""{"content":"{{i}}"}""")).ToString();

        var answer = await _host.Http.PostAsync("/memories:batch", lines, "application/x-ndjson");

        Assert.Equal(["memories"], answer.Fields);
        Assert.Contains("The first 10,000 were taken (10,000 created", answer.Error("memories"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Upsert_changes_what_is_there_and_keeps_what_it_was()
    {
        var id = Guid.CreateVersion7();
        await _host.Memories.AddBatchAsync([new() { Id = id.ToString(), Content = "old", Tags = ["a"] }, new() { Content = "same" }], "upsert", Ct);

        var result = await _host.Memories.AddBatchAsync([new() { Id = id.ToString(), Content = "new", Tags = ["b"] }, new() { Content = "same", Title = "Now with a title" }, new() { Content = "third" }], "upsert", Ct);

        Assert.Equal(["updated", "updated", "created"], result.Results.Select(r => r.Status));
        var memory = await _host.Memories.GetAsync(id, Ct);
        Assert.Equal(("new", "b", 2), (memory.Content, memory.Tags[0], memory.Version));
        Assert.Equal("old", Assert.Single((await _host.Memories.HistoryAsync(id, Ct)).Items).Memory.Content);
        // The new content is known by its own key now, the old one is free.
        var again = await _host.Memories.AddBatchAsync([new() { Content = "new" }, new() { Content = "old" }], ct: Ct);
        Assert.Equal(["duplicate", "created"], again.Results.Select(r => r.Status));
    }

    [Fact]
    public async Task An_upsert_that_says_nothing_new_makes_no_version()
    {
        var time = DateTimeOffset.UtcNow;
        var item = new NewMemory { Content = "x", Metadata = JsonElement.Parse("""{"b":1,"a":[1.50]}"""), OccurredAt = time };
        await _host.Memories.AddBatchAsync([item], "upsert", Ct);

        var result = await _host.Memories.AddBatchAsync([item with { Metadata = JsonElement.Parse("""{ "a": [1.5], "b": 1 }""") }], "upsert", Ct);

        Assert.Equal("duplicate", Assert.Single(result.Results).Status);
        Assert.Equal(1, (await _host.Memories.GetAsync(result.Results[0].Id!.Value, Ct)).Version);
    }

    [Fact]
    public async Task An_id_that_stands_for_two_contents_is_an_error_of_its_item()
    {
        var id = Guid.CreateVersion7().ToString();
        await _host.Memories.AddAsync(new NewMemory { Id = id, Content = "stored" }, Ct);

        var result = await _host.Memories.AddBatchAsync([new() { Id = id, Content = "other" }, new() { Content = "fine" }], ct: Ct);

        Assert.Equal(["error", "created"], result.Results.Select(r => r.Status));
        Assert.Equal(("conflict", "id"), (result.Results[0].Error!.Code, result.Results[0].Error!.Field));
    }

    [Fact]
    public async Task A_batch_of_sixty_mebibytes_passes_and_memories_of_four_are_stored_whole()
    {
        var items = Enumerable.Range(0, 15).Select(i => new JsonObject { ["content"] = $"{i} " + string.Concat(Enumerable.Repeat("0123456789abcde\n", (MemoryLimits.ContentBytes - 16) / 17)) }).ToList();
        foreach (var lines in (bool[])[false, true])
        {
            var answer = await PostAsync(items, lines);
            Assert.Equal((HttpStatusCode.OK, 0), (answer.Status, (int?)answer.Body!["counts"]!["error"]));
        }

        Assert.Equal(15, await _database.ScalarAsync<long>("SELECT count(*) FROM memories WHERE octet_length(content) > 3900000"));
    }

    private Task<Answer> PostAsync(IReadOnlyList<JsonObject> items, bool lines) => lines
        ? _host.Http.PostAsync("/memories:batch", string.Join('\n', items.Select(i => i.ToJsonString())), "application/x-ndjson")
        : _host.Http.PostAsync("/memories:batch", new JsonObject { ["memories"] = new JsonArray([.. items.Select(i => i.DeepClone())]) });
}
