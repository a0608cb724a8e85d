using System.Text.Json.Nodes;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli.Tests;

/// <summary><c>mahavishnu conversation …</c> against a service that runs.</summary>
[Collection(EnvironmentCollection.Name)]
public sealed class ConversationVerbTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Turns_from_standard_input_are_shown_listed_deleted_and_restored()
    {
        await using var service = await RunningService.StartAsync(postgres);
        const string Lines = """
            {"role":"user","content":"Which port does it listen on?","clientId":"1"}

            {"role":"assistant","content":"8686.\nSince the first version.","clientId":"2"}
            """;

        var added = await service.RunWithInputAsync(Lines, "conversation", "add", "demo/1", "--agent", "claude", "--project", "p");
        var again = await service.RunWithInputAsync(Lines + "\n{\"role\":\"user\",\"content\":\"Other\",\"clientId\":\"1\"}\n{\"role\":\"tool\",\"content\":\" \"}", "conversation", "add", "demo/1");
        Assert.Equal((ExitCode.Done, "2 added, 0 were there, 0 refused"), (added.Code, added.Out.Trim()));
        Assert.Equal((ExitCode.Failed, "0 added, 2 were there, 2 refused"), (again.Code, again.Out.Trim()));
        Assert.Contains("message 3: clientId: The id '1' names turn 1", again.Error, StringComparison.Ordinal);
        Assert.Contains("message 4: content: The value must not be blank.", again.Error, StringComparison.Ordinal);

        var shown = await service.RunAsync("conversation", "show", "demo/1");
        Assert.Equal(["   1  user", "   2  assistant"], shown.Out.Split('\n').Where(l => l.Length > 0 && !l.StartsWith("      ", StringComparison.Ordinal)).Select(l => l[..l.IndexOf("  2", 8, StringComparison.Ordinal)]));
        Assert.Contains("      8686.\n      Since the first version.\n", shown.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("Which port", (await service.RunAsync("conversation", "show", "demo/1", "--last", "1")).Out, StringComparison.Ordinal);
        Assert.DoesNotContain("8686", (await service.RunAsync("conversation", "show", "demo/1", "--role", "user")).Out, StringComparison.Ordinal);
        var turns = JsonNode.Parse((await service.RunAsync("conversation", "show", "demo/1", "--json")).Out)!["items"]!.AsArray();
        Assert.Equal([1, 2], turns.Select(t => (int)t!["ordinal"]!));
        Assert.Contains("8686", (await service.RunAsync("conversation", "show", "demo/1", "--around", (string)turns[0]!["id"]!)).Out, StringComparison.Ordinal);

        Assert.Contains("demo/1", (await service.RunAsync("conversation", "list", "--agent", "claude", "--project", "p")).Out, StringComparison.Ordinal);
        Assert.Contains("there is no such conversation", (await service.RunAsync("conversation", "list", "--before", "2020-01-01")).Error, StringComparison.Ordinal);

        var deleted = await service.RunAsync("conversation", "delete", "demo/1");
        Assert.Contains("`mahavishnu conversation restore demo/1` brings it back", deleted.Error, StringComparison.Ordinal);
        var gone = await service.RunAsync("conversation", "show", "demo/1");
        Assert.Equal((ExitCode.Failed, "mahavishnu: There is no conversation 'demo/1'."), (gone.Code, gone.Error.Trim()));
        Assert.Contains("2 turns are there again", (await service.RunAsync("conversation", "restore", "demo/1")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_turns_than_a_request_takes_go_in_several()
    {
        await using var service = await RunningService.StartAsync(postgres);
        var lines = string.Join('\n', Enumerable.Range(0, 1_500).Select(i => $$"""{"role":"user","content":"{{i}}"}"""));

        Assert.Equal("1,500 added, 0 were there, 0 refused", (await service.RunWithInputAsync(lines, "conversation", "add", "s")).Out.Trim());

        var shown = JsonNode.Parse((await service.RunAsync("conversation", "show", "s", "--json")).Out)!["items"]!.AsArray();
        Assert.Equal(Enumerable.Range(0, 1_500).Select(i => $"{i}"), shown.Select(t => (string)t!["content"]!));
    }

    [Theory]
    [InlineData("{\"role\":\"user\"", "line 1 of the input is no message, and nothing was added")]
    [InlineData("{\"role\":\"user\",\"content\":\"x\"}\n{\"rolle\":\"user\"}", "line 2 of the input is no message, and nothing was added")]
    [InlineData("\n \n", "the input has no message")]
    public async Task Input_that_is_not_right_is_told_by_its_line_and_nothing_is_added(string input, string said)
    {
        await using var service = await RunningService.StartAsync(postgres);

        var run = await service.RunWithInputAsync(input, "conversation", "add", "s");

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
        Assert.Empty((await new ConversationsClient(service.Http).ListAsync([], TestContext.Current.CancellationToken)).Items);
    }

    [Fact]
    public async Task Sessions_are_linked_listed_and_unlinked()
    {
        await using var service = await RunningService.StartAsync(postgres);

        var added = await service.RunAsync("conversation", "link", "add", "tuesday", "monday", "--kind", "continuation", "--context", "Went on where it had stopped");
        Assert.Matches("tuesday +│ continuation +│ monday +│ Went on where it had stopped", added.Out);
        await service.RunAsync("conversation", "link", "add", "wednesday", "monday");
        await service.RunAsync("conversation", "link", "add", "friday", "thursday");

        Assert.Equal([("tuesday", "continuation", "monday"), ("wednesday", "related", "monday")], (await LinksAsync("--session", "monday")).Select(Ends).Order());
        Assert.Equal([("tuesday", "continuation", "monday")], (await LinksAsync("--session", "monday", "--kind", "continuation")).Select(Ends));
        Assert.Single(await LinksAsync("--limit", "1"));

        // Said twice it is one, and its id is the same.
        var again = JsonNode.Parse((await service.RunAsync("conversation", "link", "add", "tuesday", "monday", "--kind", "continuation", "--json")).Out)!;
        var removed = await service.RunAsync("conversation", "link", "remove", (string)again["id"]!);
        Assert.Equal((ExitCode.Done, "", ""), (removed.Code, removed.Out, removed.Error));
        Assert.Equal([("wednesday", "related", "monday")], (await LinksAsync("--session", "monday")).Select(Ends));

        var gone = await service.RunAsync("conversation", "link", "remove", (string)again["id"]!);
        Assert.Equal((ExitCode.Failed, $"mahavishnu: There is no session link '{again["id"]}'."), (gone.Code, gone.Error.Trim()));
        var itself = await service.RunAsync("conversation", "link", "add", "friday", "friday");
        Assert.Equal(ExitCode.Failed, itself.Code);
        Assert.Contains("target: A session is not linked to itself.", itself.Error, StringComparison.Ordinal);

        async Task<IEnumerable<JsonNode>> LinksAsync(params string[] arguments) =>
            JsonNode.Parse((await service.RunAsync(["conversation", "link", "list", "--json", .. arguments])).Out)!["items"]!.AsArray().Select(l => l!);

        static (string, string, string) Ends(JsonNode link) => ((string)link["source"]!, (string)link["kind"]!, (string)link["target"]!);
    }

    [Theory]
    [InlineData("add one", "TARGET")]
    [InlineData("remove", "ID")]
    [InlineData("list --limit 0", "--limit must be between 1 and 10000.")]
    public async Task Wrong_usage_of_links_is_said_in_a_sentence(string arguments, string said)
    {
        var run = await Cli.RunAsync(["conversation", "link", .. arguments.Split(' ')]);

        Assert.Equal(ExitCode.WrongUsage, run.Code);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
        Assert.Contains("`mahavishnu conversation link", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--around x", "--around 'x' is not an id")]
    [InlineData("--role human", "system, user, assistant, tool")]
    [InlineData("--last 0", "--last must be between 1 and 10000.")]
    [InlineData("--around 0198c0de-0000-7000-8000-000000000001 --last 3", "--around goes without --role and --last.")]
    public async Task Wrong_usage_is_said_in_a_sentence(string arguments, string said)
    {
        var run = await Cli.RunAsync(["conversation", "show", "s", .. arguments.Split(' ')]);

        Assert.Equal(ExitCode.WrongUsage, run.Code);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
    }
}
