using Mahavishnu.Contracts;

namespace Mahavishnu.ServiceDefaults.Tests;

public sealed class AllowedRootsTests : IDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("roots-");

    public void Dispose() => _home.Delete(recursive: true);

    [Fact]
    public void A_directory_inside_a_root_is_allowed_by_its_real_path()
    {
        var repo = Folder("root/repo");
        Directory.CreateSymbolicLink(Full("root/link"), repo);
        var roots = new AllowedRoots([Full("root") + "/"]);

        Assert.Equal((repo, Full("root")), roots.Resolve(repo, out _));
        Assert.Equal((repo, Full("root")), roots.Resolve(Full("root/./link/../link") + "/", out _));
        Assert.Equal((Full("root"), Full("root")), roots.Resolve(Full("root"), out _));
    }

    [Fact]
    public void A_root_that_is_a_link_counts_as_what_it_points_at()
    {
        var repo = Folder("real/repo");
        Directory.CreateSymbolicLink(Full("root"), Full("real"));
        Assert.Equal((repo, Full("real")), new AllowedRoots([Full("root")]).Resolve(Full("root/repo"), out _));
    }

    [Fact]
    public void No_path_and_no_link_escapes()
    {
        Folder("root");
        Folder("root2");
        Folder("secret/inner");
        Directory.CreateSymbolicLink(Full("root/out"), Full("secret"));
        Directory.CreateSymbolicLink(Full("root/relative"), "../secret");
        Directory.CreateSymbolicLink(Full("root/loop"), Full("root/loop"));
        var roots = new AllowedRoots([Full("root")]);

        foreach (var path in new[] { "secret", "root2", "root/../secret", "root/out", "root/out/inner", "root/relative/inner", "root/loop", "root/out/missing", "missing" })
        {
            Assert.Null(roots.Resolve(Full(path), out var refusal));
            Assert.Equal(ErrorCodes.OutsideRoots, refusal!.Code);
            Assert.StartsWith("lies outside", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(null, "is required")]
    [InlineData(" ", "is required")]
    [InlineData("relative/path", "must be an absolute path")]
    [InlineData("~/code", "must be an absolute path")]
    [InlineData("/a\0b", "must be an absolute path")]
    public void A_path_that_is_none_is_refused(string? path, string error)
    {
        Assert.Null(new AllowedRoots([_home.FullName]).Resolve(path, out var message));
        Assert.StartsWith(error, message!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Inside_a_root_the_error_says_whether_it_is_missing_or_a_file()
    {
        File.WriteAllText(Full("file"), "");
        var roots = new AllowedRoots([_home.FullName]);
        Assert.Null(roots.Resolve(Full("missing"), out var missing));
        Assert.Null(roots.Resolve(Full("file"), out var file));
        Assert.Equal(("does not exist.", "is a file, not a directory."), (missing!.Message, file!.Message));
    }

    [Fact]
    public void A_file_is_allowed_where_files_will_do()
    {
        Folder("root");
        File.WriteAllText(Full("root/file"), "");
        File.CreateSymbolicLink(Full("root/out"), Full("secret"));
        File.WriteAllText(Full("secret"), "");
        var roots = new AllowedRoots([Full("root")]);

        Assert.Equal(Full("root/file"), roots.Resolve(Full("root/file"), out _, files: true)?.Path);
        Assert.Equal(Full("root"), roots.Resolve(Full("root"), out _, files: true)?.Path);
        Assert.Null(roots.Resolve(Full("root/out"), out var refusal, files: true));
        Assert.Equal(ErrorCodes.OutsideRoots, refusal!.Code);
    }

    [Fact]
    public void Without_roots_nothing_is_allowed()
    {
        Assert.Null(new AllowedRoots([]).Resolve(_home.FullName, out var refusal));
        Assert.Contains("Ingest:Roots is empty", refusal!.Message, StringComparison.Ordinal);
    }

    private string Full(string path) => Path.Combine(AllowedRoots.RealPath(_home.FullName)!, path);

    private string Folder(string path) => Directory.CreateDirectory(Full(path)).FullName;
}
