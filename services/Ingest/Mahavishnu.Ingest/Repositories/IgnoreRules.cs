namespace Mahavishnu.Ingest;

/// <summary>
/// The <c>.gitignore</c> files that apply in one folder: its own and those of the folders around it. The nearest file with an opinion decides, and in
/// a file the last pattern that matches.
/// </summary>
internal sealed class IgnoreRules
{
    private const long LargestFile = 1 << 20;

    public static readonly IgnoreRules None = new(null, string.Empty, []);

    private readonly IgnoreRules? _outer;
    private readonly string _folder;
    private readonly IReadOnlyList<Glob> _patterns;

    private IgnoreRules(IgnoreRules? outer, string folder, IReadOnlyList<Glob> patterns)
    {
        (_outer, _folder, _patterns) = (outer, folder, patterns);
    }

    /// <summary>These rules with those of a folder inside. <paramref name="folder"/> is its path with a slash at the end, empty for the top.</summary>
    public IgnoreRules With(string folder, string ignoreFile)
    {
        var patterns = new List<Glob>();
        var text = ignoreFile.AsSpan().TrimStart('\uFEFF');
        foreach (var line in text.Split('\n'))
        {
            if (Glob.Parse(text[line]) is { } pattern)
            {
                patterns.Add(pattern);
            }
        }

        return patterns.Count == 0 ? this : new IgnoreRules(this, folder, patterns);
    }

    /// <summary>Whether the path, relative to the top, is left out. It must lie inside the folder of these rules.</summary>
    public bool Ignores(ReadOnlySpan<char> path, bool isFolder)
    {
        for (var rules = this; rules is not null; rules = rules._outer)
        {
            var inside = path[rules._folder.Length..];
            for (var i = rules._patterns.Count - 1; i >= 0; i--)
            {
                if (rules._patterns[i].Matches(inside, isFolder))
                {
                    return !rules._patterns[i].Negated;
                }
            }
        }

        return false;
    }

    /// <summary>The text of an ignore file, or null. As for git, one that is a link does not count.</summary>
    public static string? ReadFile(string path)
    {
        try
        {
            var file = new FileInfo(path);
            return file is { Exists: true, LinkTarget: null, Length: > 0 and <= LargestFile } ? File.ReadAllText(path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
