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
        Assert.Equal(Two, GitCheckout.Commit(Path.Combine(_home.FullName, "work")));
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
    public void The_top_is_found_from_inside_but_not_beyond_the_boundary()
    {
        var deep = _home.CreateSubdirectory("a/b").FullName;
        _home.CreateSubdirectory(".git");
        Assert.Equal(_home.FullName, GitCheckout.Top(deep, _home.FullName));
        Assert.Null(GitCheckout.Top(deep, Path.Combine(_home.FullName, "a")));
    }

    private string? Commit() => GitCheckout.Commit(_home.FullName);

    private void Write(string path, string content)
    {
        var full = Path.Combine(_home.FullName, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, content);
    }
}
