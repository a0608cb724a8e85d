using System.IO.Enumeration;
using System.Text;

namespace Mahavishnu.Ingest;

/// <summary>A file of the repository. <paramref name="Path"/> is relative, with <c>/</c>; <paramref name="Skipped"/> says why it is not to be read.</summary>
internal sealed record FoundFile(string Path, long Length, string? Skipped = null);

/// <summary>Why a file that was asked for is not in the memory.</summary>
internal static class SkipReasons
{
    public const string Binary = "binary";
    public const string TooLarge = "too_large";
    public const string Unreadable = "unreadable";
    public const string Link = "symbolic_link";
    public const string PathTooLong = "path_too_long";
}

/// <summary>
/// The files of a directory in a stable order, without those that <c>.gitignore</c> or the selection leaves out. Symbolic links are named and not
/// followed: what they point at inside the repository is read where it is, and nothing outside ever is.
/// </summary>
internal sealed class FileWalker(string directory, GitCheckout checkout, FileSelection selection, long maxFileBytes)
{
    // Bytes; paths are keys in the database, whose entries have a largest size.
    private const int LongestPath = 1_024;

    private static readonly EnumerationOptions Everything = new() { AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false };

    /// <summary>The files, lazily. A folder that cannot be listed is one file that is <see cref="SkipReasons.Unreadable"/>.</summary>
    public IEnumerable<FoundFile> Walk()
    {
        var prefix = checkout.Prefix;
        var ahead = new Stack<(string Path, IgnoreRules Rules)>();
        ahead.Push((string.Empty, checkout.Rules));
        while (ahead.TryPop(out var folder))
        {
            var full = Path.Combine(directory, folder.Path);
            if (List(full) is not { } entries)
            {
                yield return new FoundFile(folder.Path.TrimEnd('/'), 0, SkipReasons.Unreadable);
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
                    var skipped = entry.IsLink ? SkipReasons.Link
                        : entry.Length > maxFileBytes ? SkipReasons.TooLarge
                        : Encoding.UTF8.GetByteCount(path) > LongestPath ? SkipReasons.PathTooLong
                        : null;
                    yield return new FoundFile(path, entry.Length, skipped);
                }
            }

            for (var i = folders.Count - 1; i >= 0; i--)
            {
                ahead.Push(folders[i]);
            }
        }
    }

    private static IgnoreRules WithOwn(IgnoreRules rules, string full, string folder, IReadOnlyList<Entry> entries) =>
        entries.Any(e => e is { Name: ".gitignore", IsFolder: false, IsLink: false }) && IgnoreRules.ReadFile(Path.Combine(full, ".gitignore")) is { } file
            ? rules.With(folder, file)
            : rules;

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
