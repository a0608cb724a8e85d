namespace Mahavishnu.Benchmarks;

/// <summary>A source tree made of what is installed: packages' sources first, their documentation where that is not enough.</summary>
internal static class Corpus
{
    private static readonly string[] Extensions = [".py", ".h", ".hpp", ".c", ".js", ".ts", ".cs", ".md", ".rst", ".txt", ".xml"];

    /// <summary>Patterns under which all of it is ingested (xml is documentation here).</summary>
    public static IReadOnlyList<string> Include { get; } = [.. Extensions.Select(e => "**/*" + e)];

    /// <summary>Copies files into <paramref name="target"/> until they hold <paramref name="bytes"/>.</summary>
    /// <returns>Files and bytes copied.</returns>
    public static (int Files, long Bytes) Collect(string target, long bytes)
    {
        var (files, total) = (0, 0L);
        foreach (var (source, index) in Candidates().Where(Directory.Exists).Distinct(StringComparer.Ordinal).Select((s, i) => (s, i)))
        {
            foreach (var file in Files(source))
            {
                if (total >= bytes)
                {
                    return (files, total);
                }

                var copy = Path.Combine(target, $"part{index}", Path.GetRelativePath(source, file.FullName));
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                file.CopyTo(copy);
                files++;
                total += file.Length;
            }
        }

        return (files, total);
    }

    /// <summary>Python sources that are installed, in the same order every time.</summary>
    public static IEnumerable<string> Python() =>
        Pythons().Where(Directory.Exists).SelectMany(Files).Where(f => f.Extension == ".py").Select(f => f.FullName).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Pythons() =>
        [Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".pyenv", "versions"), "/usr/lib/python3", "/usr/lib/python3.11", "/usr/lib/python3.12", "/usr/lib/python3.13"];

    private static IEnumerable<string> Candidates()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        foreach (var python in Pythons())
        {
            yield return python;
        }

        yield return "/usr/lib/node_modules";
        yield return "/usr/local/lib/node_modules";
        yield return "/usr/include";
        yield return Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(home, ".nuget", "packages");
        yield return Path.GetFullPath(Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "packs"));
    }

    private static IEnumerable<FileInfo> Files(string folder) =>
        new DirectoryInfo(folder).EnumerateFiles("*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint })
            .Where(f => Extensions.Contains(f.Extension, StringComparer.OrdinalIgnoreCase) && f.Length is > 200 and < 512 * 1024);
}
