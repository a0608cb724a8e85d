using Mahavishnu.ServiceDefaults;

namespace Mahavishnu.Ingest;

/// <summary>
/// The git checkout that a directory is part of, read from its files: no git program, no native library, and so no question of who owns the folder.
/// </summary>
/// <param name="Rules">Its ignore files above the directory.</param>
/// <param name="Prefix">The directory's path in it, with a slash at the end; empty for its top.</param>
/// <param name="Commit">What is checked out, in hexadecimal; null where there is none or it cannot be read.</param>
internal sealed record GitCheckout(IgnoreRules Rules, string Prefix, string? Commit)
{
    /// <summary>For a directory of no checkout.</summary>
    public static readonly GitCheckout None = new(IgnoreRules.None, string.Empty, null);

    private const int MostIndirections = 5;

    /// <summary>Looks for <c>.git</c> from <paramref name="directory"/> up to <paramref name="boundary"/>. A directory that the checkout ignores is not part of it.</summary>
    public static GitCheckout Around(string directory, string boundary)
    {
        if (Top(directory, boundary) is not { } top)
        {
            return None;
        }

        var rules = IgnoreRules.None;
        if (IgnoreRules.ReadFile(Path.Combine(top, ".git", "info", "exclude")) is { } exclude)
        {
            rules = rules.With(string.Empty, exclude);
        }

        var down = Path.GetRelativePath(top, directory).Replace(Path.DirectorySeparatorChar, '/');
        var prefix = string.Empty;
        foreach (var name in down is "." ? [] : down.Split('/'))
        {
            if (IgnoreRules.ReadFile(Path.Combine(top, prefix, ".gitignore")) is { } file)
            {
                rules = rules.With(prefix, file);
            }

            if (rules.Ignores(prefix + name, isFolder: true))
            {
                return None;
            }

            prefix += name + "/";
        }

        return new GitCheckout(rules, prefix, ReadCommit(top));
    }

    private static string? Top(string directory, string boundary)
    {
        for (var at = directory; at is not null && AllowedRoots.IsInside(at, boundary); at = Path.GetDirectoryName(at))
        {
            if (Path.Exists(Path.Combine(at, ".git")))
            {
                return at;
            }
        }

        return null;
    }

    private static string? ReadCommit(string top)
    {
        try
        {
            var git = Path.Combine(top, ".git");
            if (File.Exists(git))
            {
                // A worktree or submodule: "gitdir: ../.git/worktrees/feature"
                var pointer = FirstLine(git);
                if (pointer is null || !pointer.StartsWith("gitdir:", StringComparison.Ordinal))
                {
                    return null;
                }

                git = Path.GetFullPath(pointer["gitdir:".Length..].Trim(), top);
            }

            var shared = FirstLine(Path.Combine(git, "commondir")) is { } common ? Path.GetFullPath(common, git) : git;
            var head = FirstLine(Path.Combine(git, "HEAD"));
            for (var i = 0; i < MostIndirections && head is not null; i++)
            {
                if (!head.StartsWith("ref:", StringComparison.Ordinal))
                {
                    return IsHash(head) ? head : null;
                }

                var name = head["ref:".Length..].Trim();
                if (!name.StartsWith("refs/", StringComparison.Ordinal) || name.Contains("..", StringComparison.Ordinal))
                {
                    return null;
                }

                head = FirstLine(Path.Combine(git, name)) ?? FirstLine(Path.Combine(shared, name)) ?? Packed(shared, name);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // A checkout that cannot be read is a directory without one.
        }

        return null;
    }

    private static string? FirstLine(string path) => IsText(path) ? File.ReadLines(path).FirstOrDefault()?.Trim() : null;

    // A pipe has no length, and reading it could last for ever.
    private static bool IsText(string path) => new FileInfo(path) is { Exists: true, Length: > 0 };

    // 5e9990d1c0ffee… refs/heads/main
    private static string? Packed(string git, string name)
    {
        var packed = Path.Combine(git, "packed-refs");
        return !IsText(packed) ? null : File.ReadLines(packed)
            .Where(line => line.EndsWith(name, StringComparison.Ordinal) && line.IndexOf(' ', StringComparison.Ordinal) == line.Length - name.Length - 1)
            .Select(line => line[..^(name.Length + 1)]).FirstOrDefault();
    }

    // SHA-1 or SHA-256
    private static bool IsHash(string text) => text.Length is 40 or 64 && text.All(char.IsAsciiHexDigitLower);
}
