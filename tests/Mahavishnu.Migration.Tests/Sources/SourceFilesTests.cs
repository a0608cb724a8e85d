namespace Mahavishnu.Migration.Tests.Sources;

/// <summary>Which files a path means.</summary>
public sealed class SourceFilesTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mahavishnu-test-");

    private string Touch(string name)
    {
        var path = Path.Combine(_folder.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, "x");
        return path;
    }

    [Fact]
    public void Of_a_folder_all_databases_are_taken_but_backups()
    {
        string[] files = [Touch("a/knowledge_graph.duckdb"), Touch("knowledge_graph_mine.DUCKDB"), Touch("reflection.duckdb")];
        string[] backups = [Touch("backup_v1_20260101_101010.duckdb"), Touch("knowledge_graph_acb.duckdb"), Touch("knowledge_graph_backup_20251002_101500.duckdb"), Touch("reflection.duckdb.backup")];
        Touch("reflection.duckdb.wal");
        Touch("notes.txt");

        var found = SourceFiles.Find([_folder.FullName], backupsToo: false);
        var all = SourceFiles.Find([_folder.FullName], backupsToo: true);

        Assert.Equal(files, found.Files);
        Assert.Equal(backups, found.Backups);
        Assert.Equal(files.Concat(backups).Order(StringComparer.Ordinal), all.Files);
        Assert.Empty(all.Backups);
    }

    [Fact]
    public void A_file_that_is_named_is_taken_whatever_it_is_called_and_once()
    {
        var (backup, other) = (Touch("backup_v1_20260101_101010.duckdb"), Touch("memories.db"));

        var found = SourceFiles.Find([other, backup, _folder.FullName, other], backupsToo: false);

        Assert.Equal([other, backup], found.Files);
        Assert.Empty(found.Backups);
    }

    [Fact]
    public void A_folder_without_a_database_is_said()
    {
        Touch("notes.txt");

        Assert.Contains(_folder.FullName, Assert.Throws<SourceFileException>(() => SourceFiles.Find([_folder.FullName], backupsToo: false)).Message, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
