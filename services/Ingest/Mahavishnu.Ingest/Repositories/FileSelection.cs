namespace Mahavishnu.Ingest;

/// <summary>Which files of a directory are read, apart from what <c>.gitignore</c> leaves out.</summary>
internal sealed class FileSelection
{
    /// <summary>Most patterns a request may have in a list, and the longest pattern.</summary>
    public const int MostPatterns = 256;
    public const int LongestPattern = 1_024;

    // A program's own notes and downloads. No include brings them back.
    private static readonly string[] NeverEntered =
        [".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", ".tox", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".gradle", ".terraform", ".vs", ".idea"];

    // Folders that hold build output, if such a file lies beside them.
    private static readonly (string Folder, string Beside)[] Output =
        [("bin", "*.csproj"), ("obj", "*.csproj"), ("bin", "*.fsproj"), ("obj", "*.fsproj"), ("bin", "*.vbproj"), ("obj", "*.vbproj"), ("target", "Cargo.toml"), ("target", "pom.xml")];

    // Written by programs for programs: they would bury what people wrote.
    private static readonly Glob[] Generated =
        [.. "package-lock.json|npm-shrinkwrap.json|pnpm-lock.yaml|packages.lock.json|composer.lock|*.min.js|*.min.css|*.bundle.js|*.Designer.cs|*.g.cs|*.pb.go|*_pb2.py".Split('|').Select(p => Glob.Parse(p)!)];

    private readonly IReadOnlyList<Glob> _include;
    private readonly IReadOnlyList<Glob> _exclude;

    private FileSelection(IReadOnlyList<Glob> include, IReadOnlyList<Glob> exclude) => (_include, _exclude) = (include, exclude);

    /// <summary>
    /// Files that match one of <paramref name="include"/> (when there are none: those in a known language that were not generated) and none of
    /// <paramref name="exclude"/>. Each list is read like a <c>.gitignore</c>: the last pattern that matches decides.
    /// </summary>
    public static FileSelection Create(IReadOnlyList<string>? include, IReadOnlyList<string>? exclude) =>
        new(Parse(include), Parse(exclude));

    /// <summary>What is wrong with a list of patterns; null when nothing is.</summary>
    public static string? Validate(IReadOnlyList<string>? patterns)
    {
        if (patterns is null)
        {
            return null;
        }

        if (patterns.Count > MostPatterns)
        {
            return $"has {patterns.Count} patterns; {MostPatterns} are allowed";
        }

        foreach (var pattern in patterns)
        {
            if (string.IsNullOrWhiteSpace(pattern) || pattern.Length > LongestPattern || pattern.Contains('\0', StringComparison.Ordinal))
            {
                return $"has a pattern that is blank or longer than {LongestPattern} characters";
            }

            if (pattern.Split('/', '\\').Contains("..", StringComparer.Ordinal))
            {
                return "has a pattern with '..': patterns are relative to the repository and cannot leave it";
            }

            if (Glob.Parse(pattern) is null)
            {
                return "has a pattern that matches nothing (a comment or slashes alone)";
            }
        }

        return null;
    }

    /// <summary>Whether the file, by its path relative to the repository, is to be read.</summary>
    public bool Takes(ReadOnlySpan<char> path) =>
        (_include.Count > 0 ? LastWithFolders(_include, path) : Language.Of(path) is not null && !Last(Generated, path, isFolder: false))
        && !Last(_exclude, path, isFolder: false);

    /// <summary>Whether the folder is worth entering. <paramref name="siblings"/> are the names of the files beside it.</summary>
    public bool Enters(string path, string name, IReadOnlyList<string> siblings) =>
        !NeverEntered.Contains(name, StringComparer.Ordinal)
        && !Output.Any(o => string.Equals(o.Folder, name, StringComparison.Ordinal) && siblings.Any(s => IsBeside(s, o.Beside)))
        && !Last(_exclude, path, isFolder: true);

    private static bool IsBeside(string sibling, string pattern) => pattern[0] == '*'
        ? sibling.EndsWith(pattern[1..], StringComparison.Ordinal)
        : string.Equals(sibling, pattern, StringComparison.Ordinal);

    private static Glob[] Parse(IReadOnlyList<string>? patterns) => patterns is null ? [] : [.. patterns.Select(p => Glob.Parse(p)!)];

    // "src/" asks for what is in the folder.
    private static bool LastWithFolders(IReadOnlyList<Glob> patterns, ReadOnlySpan<char> path)
    {
        for (var i = patterns.Count - 1; i >= 0; i--)
        {
            if (patterns[i].Matches(path, isFolder: false) || MatchesFolderOf(patterns[i], path))
            {
                return !patterns[i].Negated;
            }
        }

        return false;
    }

    private static bool MatchesFolderOf(Glob pattern, ReadOnlySpan<char> path)
    {
        for (var end = path.LastIndexOf('/'); end > 0; end = path[..end].LastIndexOf('/'))
        {
            if (pattern.Matches(path[..end], isFolder: true))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Last(IReadOnlyList<Glob> patterns, ReadOnlySpan<char> path, bool isFolder)
    {
        for (var i = patterns.Count - 1; i >= 0; i--)
        {
            if (patterns[i].Matches(path, isFolder))
            {
                return !patterns[i].Negated;
            }
        }

        return false;
    }
}
