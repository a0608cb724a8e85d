using System.Text.Json.Nodes;
using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.Cli.Tests;

/// <summary><c>mahavishnu insight …</c> against a service that runs.</summary>
[Collection(EnvironmentCollection.Name)]
public sealed class InsightVerbTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Insights_are_added_found_in_what_was_said_and_listed()
    {
        await using var service = await RunningService.StartAsync(postgres);
        var said = new JsonObject { ["role"] = "assistant", ["content"] = "`★ Insight ─────`\nA queue in the database is one commit with what it is about.\n`─────`\n`★ Insight ─────`\nshort\n`─────`" };
        await service.RunWithInputAsync(said.ToJsonString(), "conversation", "add", "s");

        var added = await service.RunAsync("insight", "add", "Lock", "rows", "in", "order.", "--project", "p", "--type", InsightTypes.Gotcha);
        Assert.EndsWith("(gotcha)", added.Out.Trim(), StringComparison.Ordinal);
        Assert.EndsWith("says so already", (await service.RunAsync("insight", "add", "lock rows in order", "--project", "p")).Out.Trim(), StringComparison.Ordinal);

        // The worker may have been there first.
        var swept = JsonNode.Parse((await service.RunAsync("insight", "extract", "--json")).Out)!["result"]!;
        Assert.Equal((1, 2, 1, 1), ((int)swept["messages"]!, (int)swept["blocks"]!, (int)swept["refusedByLength"]!, (int)swept["known"]! + (int)swept["created"]!));
        Assert.Equal(
            "0 would be new of 2 marked blocks in 1 messages; 1 known, 1 too short or too long, 0 too unsure, 0 over the session's limit",
            (await service.RunAsync("insight", "extract", "--session", "s", "--dry-run")).Out.Trim());

        var listed = JsonNode.Parse((await service.RunAsync("insight", "list", "--json")).Out)!["items"]!.AsArray();
        Assert.Equal(["A queue in the database is one commit with what it is about.", "Lock rows in order."], listed.Select(i => (string)i!["content"]!).Order(StringComparer.Ordinal));
        Assert.Contains("A queue in the database", (await service.RunAsync("insight", "list", "--extracted")).Out, StringComparison.Ordinal);
        Assert.Contains("there is no such insight", (await service.RunAsync("insight", "list", "--project", "q")).Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.WrongUsage, (await service.RunAsync("insight", "list", "--type", "wisdom")).Code);
    }

    [Fact]
    public async Task What_a_language_model_could_not_read_is_counted_and_without_one_nothing_is_asked_of_it()
    {
        await using (var without = await RunningService.StartAsync(postgres))
        {
            Assert.Equal(["marked blocks: 0 writes wait", "language model: none (Insights:Model:Name)"], Lines((await without.RunAsync("insight", "status")).Out));
            var refused = await without.RunAsync("insight", "extract", "--model");
            Assert.Contains("Insights:Model:Name names none", refused.Error, StringComparison.Ordinal);
            Assert.NotEqual(ExitCode.Done, refused.Code);
        }

        await using var ollama = await OllamaServer.StartNewAsync(StandInModel.NomicEmbedText);
        await using var service = await RunningService.StartAsync(
            postgres, ("Insights__Model__Name", "llama3.2"), ("Insights__Model__Url", ollama.Url), ("Insights__Model__RetrySeconds", "60"), ("Embedding__Provider", "builtin"));
        var said = new JsonObject { ["role"] = "assistant", ["content"] = string.Concat(Enumerable.Repeat("A queue in the database is one commit with what it is about. ", 10)) };
        await service.RunWithInputAsync(said.ToJsonString(), "conversation", "add", "s");

        var status = await Eventually.Async(() => service.RunAsync("insight", "status"), r => r.Out.Contains(ChatReasons.ModelMissing, StringComparison.Ordinal), "The reason");
        Assert.Equal("language model: llama3.2; 1 messages wait, 0 given up", Lines(status.Out)[1]);
        Assert.Contains("does not have the model llama3.2", status.Out, StringComparison.Ordinal);
        Assert.Equal(0, (int)JsonNode.Parse((await service.RunAsync("insight", "status", "--json")).Out)!["model"]!["givenUp"]!);
        // It waits already.
        Assert.Contains("0 messages wait for the language model", (await service.RunAsync("insight", "extract", "--model")).Out, StringComparison.Ordinal);
        Assert.Contains("there is no such insight", (await service.RunAsync("insight", "list", "--extractor", "llm")).Error, StringComparison.Ordinal);

        static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }
}
