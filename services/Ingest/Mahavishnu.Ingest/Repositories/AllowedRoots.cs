using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest;

/// <summary>Why a directory is not read: one of <see cref="ErrorCodes"/>, and the rest of a sentence that begins with the field.</summary>
internal sealed record Refusal(string Code, string Message);

/// <summary>The directories whose content may be read on request. Nothing outside them is, by whatever links the path goes.</summary>
internal sealed class AllowedRoots(IReadOnlyList<string> roots)
{
    private const int MostLinks = 40;

    private static readonly StringComparison PathComparison =
        OperatingSystem.IsWindows() || OperatingSystem.IsMacOS() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;

    /// <summary>
    /// The directory's real path and the root it lies in, or in <paramref name="refusal"/> what is wrong with the request. Whether something exists outside
    /// the roots is not told.
    /// </summary>
    public (string Path, string Root)? Resolve(string? requested, out Refusal? refusal)
    {
        refusal = Malformed(requested);
        if (refusal is not null)
        {
            return null;
        }

        if (roots.Count == 0)
        {
            refusal = new Refusal(ErrorCodes.OutsideRoots, "cannot be read: Ingest:Roots is empty, so this server reads no directory.");
            return null;
        }

        var path = RealPath(requested!);
        var root = path is null ? null : roots.Select(RealPath).FirstOrDefault(r => r is not null && IsInside(path, r));
        if (path is null || root is null)
        {
            refusal = new Refusal(ErrorCodes.OutsideRoots, $"lies outside the directories this server may read (Ingest:Roots: {string.Join(", ", roots)}).");
            return null;
        }

        refusal = Directory.Exists(path) ? null : new Refusal(ErrorCodes.InvalidRequest, File.Exists(path) ? "is a file, not a directory." : "does not exist.");
        return refusal is null ? (path, root) : null;
    }

    private static Refusal? Malformed(string? requested) =>
        string.IsNullOrWhiteSpace(requested) ? new Refusal(ErrorCodes.InvalidRequest, "is required: the directory to ingest.")
        : requested.Length > 4_096 || requested.Contains('\0', StringComparison.Ordinal) || !Path.IsPathFullyQualified(requested)
            ? new Refusal(ErrorCodes.InvalidRequest, "must be an absolute path of the server's machine.")
        : null;

    /// <summary>The path without links, whether or not its last parts exist; null for links in a circle.</summary>
    internal static string? RealPath(string path)
    {
        var full = Path.GetFullPath(path);
        var real = Path.GetPathRoot(full)!;
        var links = 0;
        var ahead = new Stack<string>();
        Push(full[real.Length..]);
        while (ahead.TryPop(out var name))
        {
            var next = Path.Combine(real, name);
            if (LinkTarget(next) is not { } target)
            {
                real = next;
                continue;
            }

            if (++links > MostLinks)
            {
                return null;
            }

            var absolute = Path.GetFullPath(target, real);
            real = Path.GetPathRoot(absolute)!;
            Push(absolute[real.Length..]);
        }

        return Path.TrimEndingDirectorySeparator(real);

        void Push(string names)
        {
            foreach (var name in names.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                ahead.Push(name);
            }
        }
    }

    internal static bool IsInside(string path, string directory) =>
        path.Equals(directory, PathComparison)
        || path.StartsWith(Path.EndsInDirectorySeparator(directory) ? directory : directory + Path.DirectorySeparatorChar, PathComparison);

    private static string? LinkTarget(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
