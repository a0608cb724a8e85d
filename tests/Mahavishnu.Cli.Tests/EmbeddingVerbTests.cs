using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli.Tests;

/// <summary>The verbs of embedding spaces and pinned questions against a service that runs.</summary>
[Collection(EnvironmentCollection.Name)]
public sealed class EmbeddingVerbTests(PostgresFixture postgres)
{
    [Fact]
    public async Task The_spaces_and_their_queues_are_listed()
    {
        await using var service = await RunningService.StartAsync(postgres);
        await service.RememberAsync("Lean the ladder at seventy-five degrees.");

        var list = await service.RunAsync("embeddings", "list");
        var json = await service.RunAsync("embeddings", "list", "--json");
        var status = await service.RunAsync("embeddings", "status");
        var failed = await service.RunAsync("embeddings", "failed");
        var retry = await service.RunAsync("embeddings", "retry", "--json");

        Assert.Contains("builtin-hash-v1", list.Out, StringComparison.Ordinal);
        var space = Assert.Single(JsonSerializer.Deserialize<EmbeddingSpaceInfo[]>(json.Out, WireJson.Lenient)!);
        Assert.Equal((EmbeddingSpaceStates.Active, 1L), (space.State, space.Vectors));
        Assert.Contains($"space {space.Id} (builtin-hash-v1, {space.Dimensions} dimensions, active): 0 pending, 0 running, 0 failed", status.Out, StringComparison.Ordinal);
        Assert.Contains("no memory has failed", failed.Error, StringComparison.Ordinal);
        Assert.Equal(0, JsonSerializer.Deserialize<RetryResult>(retry.Out, WireJson.Lenient)!.Requeued);
        Assert.All([list, json, status, failed, retry], run => Assert.Equal(ExitCode.Done, run.Code));
    }

    [Theory]
    [InlineData("compare")]
    [InlineData("activate")]
    [InlineData("drop")]
    public async Task A_space_that_is_not_there_is_an_error_that_says_which_are(string verb)
    {
        await using var service = await RunningService.StartAsync(postgres);
        await service.RememberAsync("Lean the ladder at seventy-five degrees.");

        var run = await service.RunAsync("embeddings", verb, "bge-m3");

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains("there is no embedding space bge-m3; there are 1 (builtin-hash-v1", run.Error, StringComparison.Ordinal);
    }
}
