using System.Text.Json.Nodes;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli.Tests;

/// <summary><c>mahavishnu memory …</c> against a service that runs.</summary>
[Collection(EnvironmentCollection.Name)]
public sealed class MemoryVerbTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_memory_is_shown_superseded_deleted_restored_and_erased()
    {
        await using var service = await RunningService.StartAsync(postgres);
        var memories = new MemoriesClient(service.Http);
        var old = await memories.AddAsync(new NewMemory { Content = "the cache is Memcached", ProjectId = "p" }, Ct);
        var successor = await memories.AddAsync(new NewMemory { Content = "the cache is Redis" }, Ct);
        var (id, by) = (old.Id.ToString(), successor.Id.ToString());

        Assert.Contains("it was never changed", (await service.RunAsync("memory", "history", id)).Error, StringComparison.Ordinal);
        Assert.Contains($"superseded by {by}; `mahavishnu memory unsupersede {id}` takes it back", (await service.RunAsync("memory", "supersede", id, by)).Error, StringComparison.Ordinal);
        var circle = await service.RunAsync("memory", "supersede", by, id);
        Assert.Equal(ExitCode.Failed, circle.Code);
        Assert.Contains("is itself superseded by", circle.Error, StringComparison.Ordinal);
        var shown = await service.RunAsync("memory", "show", id);
        Assert.Contains($"superseded  by {by} at ", shown.Out, StringComparison.Ordinal);
        Assert.Contains("the cache is Memcached", shown.Out, StringComparison.Ordinal);
        Assert.Contains("supersede", (await service.RunAsync("memory", "history", id)).Out, StringComparison.Ordinal);
        Assert.Contains("valid again", (await service.RunAsync("memory", "unsupersede", id)).Error, StringComparison.Ordinal);
        Assert.Equal(["unsupersede", "supersede"], JsonNode.Parse((await service.RunAsync("memory", "history", id, "--json")).Out)!["items"]!.AsArray().Select(v => (string)v!["change"]!));

        Assert.Contains($"`mahavishnu memory restore {id}` brings it back", (await service.RunAsync("memory", "delete", id)).Error, StringComparison.Ordinal);
        var gone = await service.RunAsync("memory", "show", id);
        Assert.Equal((ExitCode.Failed, $"mahavishnu: There is no memory {id}."), (gone.Code, gone.Error.Trim()));
        Assert.Contains("there again, at version 5", (await service.RunAsync("memory", "restore", id)).Error, StringComparison.Ordinal);
        Assert.Equal("the cache is Memcached", (string)JsonNode.Parse((await service.RunAsync("memory", "show", id, "--as-of", WireTime.Format(DateTimeOffset.UtcNow.AddDays(1)), "--json")).Out)!["content"]!);

        Assert.Equal(ExitCode.WrongUsage, (await service.RunAsync("memory", "erase", id)).Code);
        Assert.Equal(ExitCode.Done, (await service.RunAsync("memory", "show", id)).Code);
        Assert.Contains("erased", (await service.RunAsync("memory", "erase", id, "--yes")).Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Failed, (await service.RunAsync("memory", "history", id)).Code);
    }

    [Fact]
    public async Task What_was_replaced_is_found_as_of_then_or_where_it_is_asked_for_and_what_was_said_within_its_session()
    {
        await using var service = await RunningService.StartAsync(postgres);
        var memories = new MemoriesClient(service.Http);
        var old = await memories.AddAsync(new NewMemory { Content = "the cache is Memcached", SessionId = "monday" }, Ct);
        var then = WireTime.Format(DateTimeOffset.UtcNow);
        var successor = await memories.AddAsync(new NewMemory { Content = "the cache is Redis", Supersedes = old.Id.ToString(), SessionId = "tuesday" }, Ct);

        Assert.Equal([successor.Id], await FoundAsync());
        Assert.Equal([old.Id], await FoundAsync("--as-of", then));
        Assert.Equal(new[] { old.Id, successor.Id }.Order(), (await FoundAsync("--include-superseded")).Order());
        Assert.Equal([successor.Id], await FoundAsync("--session", "tuesday"));
        Assert.Empty(await FoundAsync("--session", "monday"));
        var shown = await service.RunAsync("search", "cache", "--mode", "text", "--include-superseded", "--session", "monday");
        Assert.Contains($"    superseded by {successor.Id}\n    the cache is Memcached\n", shown.Out, StringComparison.Ordinal);

        async Task<IEnumerable<Guid>> FoundAsync(params string[] arguments) =>
            JsonNode.Parse((await service.RunAsync(["search", "cache", "--mode", "text", "--json", .. arguments])).Out)!["hits"]!.AsArray().Select(h => (Guid)h!["id"]!);
    }

    [Theory]
    [InlineData("memory", "show", "x")]
    [InlineData("memory", "show", "0198c0de-0000-7000-8000-000000000000", "--as-of", "yesterday")]
    [InlineData("memory", "supersede", "0198c0de-0000-7000-8000-000000000000")]
    public async Task What_is_not_right_is_wrong_usage(params string[] arguments)
    {
        await using var service = await RunningService.StartAsync(postgres);

        Assert.Equal(ExitCode.WrongUsage, (await service.RunAsync(arguments)).Code);
    }
}
