using System.Runtime.CompilerServices;
using Xunit;

namespace Mahavishnu.TestSupport;

/// <summary>Compares a text with a file that somebody has read and checked in.</summary>
public static class Approved
{
    /// <summary>Set to 1: what is there becomes what is approved. Read the difference before committing it.</summary>
    public const string Variable = "MAHAVISHNU_APPROVE";

    /// <summary>Fails with the first difference where <paramref name="actual"/> is not the content of <paramref name="path"/>; leaves it beside it as <c>.received</c>.</summary>
    /// <param name="path">Relative to the folder of the test's source file.</param>
    public static void Equal(string actual, string path, [CallerFilePath] string test = "")
    {
        var approved = Path.GetFullPath(path, Path.GetDirectoryName(test)!);
        var received = approved + ".received";
        actual = actual.ReplaceLineEndings("\n");
        if (Environment.GetEnvironmentVariable(Variable) is "1" or "true")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(approved)!);
            File.WriteAllText(approved, actual);
        }

        var expected = File.Exists(approved) ? File.ReadAllText(approved).ReplaceLineEndings("\n") : "";
        if (string.Equals(actual, expected, StringComparison.Ordinal))
        {
            File.Delete(received);
            return;
        }

        File.WriteAllText(received, actual);
        Assert.Fail($"{path} is not what was approved. The first difference:\n{FirstDifference(expected, actual)}\nCompare it with {Path.GetFileName(received)} beside it; {Variable}=1 takes it over.");
    }

    private static string FirstDifference(string expected, string actual)
    {
        var (old, now) = (expected.Split('\n'), actual.Split('\n'));
        var line = old.Zip(now).TakeWhile(pair => string.Equals(pair.First, pair.Second, StringComparison.Ordinal)).Count();
        return $"  line {line + 1}\n  - {At(old, line)}\n  + {At(now, line)}";
    }

    private static string At(string[] lines, int index) => index < lines.Length ? lines[index] : "(end)";
}
