using System.Diagnostics;
using Xunit;

namespace Mahavishnu.TestSupport;

/// <summary>Waits for what another part of the system brings about in its own time: asks again until it is so.</summary>
public static class Eventually
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(200);

    /// <summary>Asks until the answer is true.</summary>
    /// <param name="what">The sentence of the failure: "… did not happen within 30 s".</param>
    public static Task Async(Func<Task<bool>> condition, string what = "The condition", TimeSpan? timeout = null) =>
        Async(condition, static holds => holds, what, timeout);

    /// <summary>Asks until the answer is as it should be, and returns that answer; the failure shows the last one.</summary>
    public static async Task<T> Async<T>(Func<Task<T>> ask, Func<T, bool> until, string what = "The condition", TimeSpan? timeout = null)
    {
        var ct = TestContext.Current.CancellationToken;
        var started = Stopwatch.GetTimestamp();
        var patience = timeout ?? Patience;
        var pause = TimeSpan.FromMilliseconds(10);
        while (true)
        {
            var answer = await ask();
            if (until(answer))
            {
                return answer;
            }

            if (Stopwatch.GetElapsedTime(started) > patience)
            {
                Assert.Fail($"{what} did not happen within {patience.TotalSeconds} s. The last answer: {answer}");
            }

            await Task.Delay(pause, ct);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }
}
