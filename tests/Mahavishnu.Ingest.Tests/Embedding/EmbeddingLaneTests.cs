using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest.Tests;

/// <summary>Which workers look into the queue after a write.</summary>
public sealed class EmbeddingLaneTests
{
    private static EmbeddingLane Lane(int spaces) => new("ollama")
    {
        Works = [.. Enumerable.Range(1, spaces).Select(n => new EmbeddingSpaceWork(
            new EmbeddingSpace((short)n, "ollama", "m", "d", 8, "cosine", "none", EmbeddingSpaceStates.Active, "none", DateTimeOffset.UnixEpoch), TimeProvider.System))],
    };

    [Fact]
    public void One_write_wakes_one_worker_and_the_next_write_wakes_one_again()
    {
        var lane = Lane(spaces: 1);
        var (first, second) = (Task.FromResult(1), Task.FromResult(2));

        Assert.Equal(1, Enumerable.Range(0, 5).Count(number => lane.IsToLook(number, first)));
        Assert.Equal(1, Enumerable.Range(0, 5).Count(number => lane.IsToLook(number, second)));
    }

    [Fact]
    public void Where_there_are_more_spaces_the_one_kept_for_the_first_looks_as_well()
    {
        var lane = Lane(spaces: 2);
        var written = Task.FromResult(1);

        Assert.True(lane.IsToLook(3, written));
        Assert.False(lane.IsToLook(2, written));
        Assert.True(lane.IsToLook(0, written));
    }

    [Fact]
    public void Whom_the_time_wakes_looks_whatever_the_others_do()
    {
        var lane = Lane(spaces: 1);
        var never = new TaskCompletionSource().Task;

        Assert.All(Enumerable.Range(0, 5), number => Assert.True(lane.IsToLook(number, never)));
    }
}
