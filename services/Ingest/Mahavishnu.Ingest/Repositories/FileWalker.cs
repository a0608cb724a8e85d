using System.IO.Enumeration;

namespace Mahavishnu.Ingest;

/// <summary>A file of the repository. <paramref name="Path"/> is relative, with <c>/</c>; <paramref name="Skipped"/> says why it is not to be read.</summary>
internal sealed record FoundFile(string Path, string FullPath, long Length, string? Skipped = null);

/// <summary>Why a file that was asked for is not in the memory.</summary>
internal static class SkipReasons
{
    public const string Binary = "binary";
    public const string TooLarge = "too_large";
    public const string Unreadable = "unreadable";
    public const string Link = "symbolic_link";
}

/// <summary>
/// The files of a directory in a stable order, without those that <c>.gitignore</c> or the selection leaves out. Symbolic links are named and not
/// followed: what they point at inside the repository is read where it is, and nothing outside ever is.
/// </summary>
internal sealed class FileWalker(string directory, string boundary, FileSelection selection, long maxFileBytes)
{
    private const long LargestIgnoreFile = 1 << 20;

    private static readonly EnumerationOptions Everything = new() { AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false };

    /// <summary>The files, lazily. A folder that cannot be listed is one file that is <see cref="SkipReasons.Unreadable"/>.</summary>
    public IEnumerable<FoundFile> Walk()
    {
        var (rules, prefix) = OuterRules();
        var ahead = new Stack<(string Path, IgnoreRules Rules)>();
        ahead.Push((string.Empty, rules));
        while (ahead.TryPop(out var folder))
        {
            var full = Path.Combine(directory, folder.Path);
            if (List(full) is not { } entries)
            {
                yield return new FoundFile(folder.Path.TrimEnd('/'), full, 0, SkipReasons.Unreadable);
                continue;
            }

            var here = WithOwn(folder.Rules, full, prefix + folder.Path, entries);
            var files = entries.Where(e => !e.IsFolder).Select(e => e.Name).ToArray();
            var folders = new List<(string, IgnoreRules)>();
            foreach (var entry in entries)
            {
                var path = folder.Path + entry.Name;
                if (entry.IsFolder && !entry.IsLink)
                {
                    if (selection.Enters(path, entry.Name, files) && !here.Ignores(prefix + path, isFolder: true))
                    {
                        folders.Add((path + "/", here));
                    }
                }
                else if (!entry.IsFolder && selection.Takes(path) && !here.Ignores(prefix + path, isFolder: false))
                {
                    var skipped = entry.IsLink ? SkipReasons.Link : entry.Length > maxFileBytes ? SkipReasons.TooLarge : null;
                    yield return new FoundFile(path, Path.Combine(full, entry.Name), entry.Length, skipped);
                }
            }

            for (var i = folders.Count - 1; i >= 0; i--)
            {
                ahead.Push(folders[i]);
            }
        }
    }

    // Rules of the checkout around the directory: its exclude file and the .gitignore of each folder on the way down.
    private (IgnoreRules Rules, string Prefix) OuterRules()
    {
        var top = GitCheckout.Top(directory, boundary);
        if (top is null)
        {
            return (IgnoreRules.None, string.Empty);
        }

        var rules = IgnoreRules.None;
        if (ReadIgnoreFile(Path.Combine(top, ".git", "info", "exclude")) is { } exclude)
        {
            rules = rules.With(string.Empty, exclude);
        }

        var down = Path.GetRelativePath(top, directory).Replace(Path.DirectorySeparatorChar, '/');
        var prefix = string.Empty;
        foreach (var name in down is "." ? [] : down.Split('/'))
        {
            if (ReadIgnoreFile(Path.Combine(top, prefix, ".gitignore")) is { } file)
            {
                rules = rules.With(prefix, file);
            }

            prefix += name + "/";
        }

        return (rules, prefix);
    }

    private static IgnoreRules WithOwn(IgnoreRules rules, string full, string folder, IReadOnlyList<Entry> entries) =>
        entries.Any(e => e is { Name: ".gitignore", IsFolder: false, IsLink: false }) && ReadIgnoreFile(Path.Combine(full, ".gitignore")) is { } file
            ? rules.With(folder, file)
            : rules;

    // As git does: an ignore file that is a link does not count.
    private static string? ReadIgnoreFile(string path)
    {
        try
        {
            var file = new FileInfo(path);
            return file is { Exists: true, LinkTarget: null, Length: > 0 and <= LargestIgnoreFile } ? File.ReadAllText(path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static List<Entry>? List(string folder)
    {
        try
        {
            var entries = new FileSystemEnumerable<Entry>(folder, Entry.From, Everything).ToList();
            entries.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
            return entries;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private readonly record struct Entry(string Name, bool IsFolder, bool IsLink, long Length)
    {
        public static Entry From(ref FileSystemEntry entry) => new(
            entry.FileName.ToString(), entry.IsDirectory, entry.Attributes.HasFlag(FileAttributes.ReparsePoint), entry.IsDirectory ? 0 : entry.Length);
    }
}
