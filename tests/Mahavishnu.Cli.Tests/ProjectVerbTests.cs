using System.Text.Json.Nodes;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli.Tests;

/// <summary><c>mahavishnu project …</c>, <c>insight share</c> and <c>search --across</c> against a service that runs.</summary>
[Collection(EnvironmentCollection.Name)]
public sealed class ProjectVerbTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Projects_are_registered_grouped_joined_and_searched_across()
    {
        await using var service = await RunningService.StartAsync(postgres);
        var memories = new MemoriesClient(service.Http);
        await memories.AddAsync(new NewMemory { Content = "The pool leaks when a reader is kept.", ProjectId = "lib" }, Ct);
        var insight = await memories.AddAsync(new NewMemory { Type = MemoryTypes.Insight, Content = "A pool that leaks is closed too late.", ProjectId = "core" }, Ct);

        Assert.Contains("role      service\n", (await service.RunAsync("project", "register", "shop", "--role", "service", "--tag", "web")).Out, StringComparison.Ordinal);
        Assert.Contains("docs, shop", (await service.RunAsync("project", "group", "set", "web", "shop", "docs", "--name", "Web")).Out, StringComparison.Ordinal);
        Assert.Contains("docs, more, shop", (await service.RunAsync("project", "group", "add", "web", "more")).Out, StringComparison.Ordinal);
        Assert.Contains("docs, shop", (await service.RunAsync("project", "group", "drop", "web", "more")).Out, StringComparison.Ordinal);
        Assert.Contains("uses", (await service.RunAsync("project", "depend", "add", "shop", "lib")).Out, StringComparison.Ordinal);
        Assert.Contains("web", (await service.RunAsync("insight", "share", insight.Id.ToString(), "--group", "web", "--by", "ana", "--reason", "Here too.")).Out, StringComparison.Ordinal);

        var list = (await service.RunAsync("project", "list")).Out;
        Assert.Contains("not registered", list, StringComparison.Ordinal);
        Assert.Contains("groups    web\n", (await service.RunAsync("project", "show", "shop", "--weeks", "4")).Out, StringComparison.Ordinal);

        var across = await service.RunAsync("search", "pool", "leaks", "--project", "shop", "--across");
        Assert.Contains("dependency (shop uses lib): lib, weight 0.9\n", across.Out, StringComparison.Ordinal);
        Assert.Contains("shared (web): core, weight 0.95\n", across.Out, StringComparison.Ordinal);

        var share = JsonNode.Parse((await service.RunAsync("insight", "shares", insight.Id.ToString(), "--json")).Out)!["items"]![0]!;
        Assert.Equal(("web", "ana", "Here too."), ((string)share["groupId"]!, (string)share["by"]!, (string)share["reason"]!));
        Assert.Equal(ExitCode.Done, (await service.RunAsync("insight", "withdraw", insight.Id.ToString(), (string)share["id"]!, "--by", "bo")).Code);
        Assert.Contains(" bo ", (await service.RunAsync("insight", "shares", insight.Id.ToString())).Out, StringComparison.Ordinal);
        var after = JsonNode.Parse((await service.RunAsync("search", "pool", "leaks", "--project", "shop", "--across", "--hops", "2", "--json")).Out)!["hits"]!.AsArray();
        Assert.Equal(["lib"], after.Select(h => (string)h!["projectId"]!));

        var dependency = JsonNode.Parse((await service.RunAsync("project", "depend", "list", "--project", "lib", "--direction", "inbound", "--json")).Out)!["items"]![0]!;
        Assert.Equal(ExitCode.Done, (await service.RunAsync("project", "depend", "remove", (string)dependency["id"]!)).Code);
        Assert.Equal(ExitCode.Done, (await service.RunAsync("project", "group", "remove", "web")).Code);
        Assert.Contains("'shop' is no longer registered; under its name stay 0 memories, 0 memberships, 0 dependencies and 0 shares", (await service.RunAsync("project", "remove", "shop")).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("search x --across", "--across needs --project: the one that asks.")]
    [InlineData("search x --project p --hops 2", "--hops needs --across.")]
    [InlineData("search x --project p --across --hops 4", "--hops must be between 1 and 3.")]
    [InlineData("project depend list --direction up", "--direction 'up' is not one of outbound, inbound, both.")]
    [InlineData("insight share 42 --project p", "ID '42' is not an id")]
    public async Task Wrong_usage_is_said_in_a_sentence(string arguments, string said)
    {
        var run = await Cli.RunAsync(arguments.Split(' '));

        Assert.Equal(ExitCode.WrongUsage, run.Code);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
    }
}
