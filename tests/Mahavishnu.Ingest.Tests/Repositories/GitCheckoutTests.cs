namespace Mahavishnu.Ingest.Tests;

public sealed class GitCheckoutTests : IDisposable
{
    private const string One = "1111111111111111111111111111111111111111";
    private const string Two = "2222222222222222222222222222222222222222";

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("checkout-");

    public void Dispose() => _home.Delete(recursive: true);

    [Fact]
    public void The_commit_is_read_from_a_branch_loose_or_packed_or_a_detached_head()
    {
        Write(".git/HEAD", "ref: refs/heads/feature/x\n");
        Write(".git/packed-refs", $"# pack-refs with: peeled fully-peeled sorted\n{Two} refs/heads/x\n{One} refs/heads/feature/x\n^{Two}\n");
        Assert.Equal(One, Commit());

        Write(".git/refs/heads/feature/x", Two + "\n");
        Assert.Equal(Two, Commit());

        Write(".git/HEAD", One + "\n");
        Assert.Equal(One, Commit());
    }

    [Fact]
    public void A_worktree_is_read_through_its_pointer()
    {
        Write("work/.git", "gitdir: ../main/.git/worktrees/work\n");
        Write("main/.git/worktrees/work/HEAD", "ref: refs/heads/side\n");
        Write("main/.git/worktrees/work/commondir", "../..\n");
        Write("main/.git/refs/heads/side", Two + "\n");
        Assert.Equal(Two, Around("work").Commit);
    }

    [Theory]
    [InlineData("")]
    [InlineData("ref: refs/heads/unborn")]
    [InlineData("ref: ../../secret")]
    [InlineData("ref: refs/../../secret")]
    [InlineData("not a hash")]
    [InlineData("ref: refs/heads/circle")]
    public void A_head_that_names_no_commit_is_none(string head)
    {
        Write(".git/HEAD", head);
        Write(".git/refs/heads/circle", "ref: refs/heads/circle");
        Write("secret", One);
        Assert.Null(Commit());
    }

    [Fact]
    public void No_checkout_or_a_broken_pointer_is_no_error()
    {
        Assert.Null(Commit());
        Write(".git", "gitdir: ../nowhere\n");
        Assert.Null(Commit());
        Write(".git", "junk\0");
        Assert.Null(Commit());
    }

    [Fact]
    public void A_folder_inside_belongs_to_the_checkout_unless_the_boundary_or_an_ignore_file_is_between()
    {
        Write(".git/HEAD", One);
        Write(".gitignore", "/versions/*\n*.tmp");
        _home.CreateSubdirectory("a/b");
        _home.CreateSubdirectory("versions/3/lib");

        Assert.Equal((One, "a/b/"), (Around("a/b").Commit, Around("a/b").Prefix));
        Assert.True(Around("a/b").Rules.Ignores("a/b/x.tmp", isFolder: false));
        Assert.Same(GitCheckout.None, Around("versions/3/lib"));
        Assert.Same(GitCheckout.None, GitCheckout.Around(Path.Combine(_home.FullName, "a", "b"), Path.Combine(_home.FullName, "a")));
    }

    private string? Commit() => GitCheckout.Around(_home.FullName, _home.FullName).Commit;

    private GitCheckout Around(string folder) => GitCheckout.Around(Path.Combine(_home.FullName, folder), _home.FullName);

    private void Write(string path, string content)
    {
        var full = Path.Combine(_home.FullName, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, content);
    }
}
