using System.Diagnostics;
using System.Globalization;

namespace Mahavishnu.Benchmarks;

/// <summary>Says on standard error what is being done, and how long after the start: whoever waits for minutes sees what for.</summary>
internal static class Progress
{
    private static readonly long Began = Stopwatch.GetTimestamp();

    public static Task SayAsync(string what) =>
        Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(Began).TotalSeconds,6:0} s  {what} …"));
}
