using System.Text.RegularExpressions;

namespace Mahavishnu.Migration;

/// <summary>Finds the files to import under the paths given.</summary>
internal static partial class SourceFiles
{
    /// <summary>A file that is named is taken whatever it is called; of a folder, everything that is called like a DuckDB file.</summary>
    /// <returns>Full paths in order, each once; backups apart.</returns>
    /// <exception cref="SourceFileException">A path does not exist, or a folder has no such file.</exception>
    public static (IReadOnlyList<string> Files, IReadOnlyList<string> Backups) Find(IEnumerable<string> paths, bool backupsToo)
    {
        var files = new List<string>();
        var backups = new List<string>();
        foreach (var path in paths.Select(Path.GetFullPath))
        {
            if (!Directory.Exists(path))
            {
                files.Add(path);
                continue;
            }

            var found = InFolder(path);
            if (found.Count == 0)
            {
                throw new SourceFileException($"There is no DuckDB file in the folder {path}.");
            }

            files.AddRange(found.Where(f => backupsToo || !IsBackup(f)));
            backups.AddRange(found.Where(f => !backupsToo && IsBackup(f)));
        }

        files = [.. files.Distinct(StringComparer.Ordinal)];
        return (files, [.. backups.Distinct(StringComparer.Ordinal).Except(files, StringComparer.Ordinal)]);
    }

    /// <summary>Copies that Session-Buddy's own tools made: importing them beside the original would count everything twice.</summary>
    public static bool IsBackup(string path) => Backup().IsMatch(Path.GetFileName(path));

    private static List<string> InFolder(string folder)
    {
        try
        {
            var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None, IgnoreInaccessible = true };
            return [.. Directory.EnumerateFiles(folder, "*", options).Where(f => Database().IsMatch(Path.GetFileName(f))).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SourceFileException($"The folder {folder} cannot be read: {e.Message}", e);
        }
    }

    [GeneratedRegex(@"\.duckdb(\.backup)?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Database();

    // knowledge_graph_backup_20251002_101500.duckdb, knowledge_graph_acb.duckdb, backup_v1_20251002_101500.duckdb, reflection.duckdb.backup
    [GeneratedRegex(@"(^(backup_v1|knowledge_graph_backup)_|_acb\.duckdb$|\.backup$)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Backup();
}
