using System.Text.Json.Nodes;
using Mahavishnu.Contracts;

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
}
