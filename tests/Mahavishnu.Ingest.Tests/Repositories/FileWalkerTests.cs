namespace Mahavishnu.Ingest.Tests;

/// <summary>On real files, as links, rights and ignore files only mean something there.</summary>
public sealed class FileWalkerTests : IDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("walker-");

    public void Dispose() => _home.Delete(recursive: true);

    [Fact]
    public void Files_come_in_one_order_with_paths_relative_to_the_top()
    {
        Write("b.md", "B/a.cs", "B/z/c.py", "a.txt");
        Assert.Equal(["a.txt", "b.md", "B/a.cs", "B/z/c.py"], Walk());
    }

    [Fact]
    public void Ignore_files_count_in_their_folders_and_above_up_to_the_checkouts_top()
    {
        Write(".gitignore:*.log.txt\n/repo/out/", "repo/.gitignore:gen/\n!keep.log.txt", "repo/a.log.txt", "repo/keep.log.txt", "repo/out/a.md", "repo/src/gen/a.md", "repo/src/b.md");
        _home.CreateSubdirectory(".git");
        Assert.Equal(["keep.log.txt", "src/b.md"], Walk("repo"));

        // Without a checkout around it a directory has its own ignore files alone.
        Directory.Delete(Full(".git"));
        Assert.Equal(["a.log.txt", "keep.log.txt", "out/a.md", "src/b.md"], Walk("repo"));
    }

    [Fact]
    public void The_checkouts_exclude_file_counts()
    {
        Write(".git/info/exclude:private.md", "private.md", "public.md");
        Assert.Equal(["public.md"], Walk());
    }

    [Fact]
    public void What_programs_keep_or_build_is_not_entered()
    {
        Write(".git/config.txt", "node_modules/a/b.js", "app/app.csproj:<Project />", "app/bin/x.json", "app/obj/y.json", "tools/bin/run.sh", "rs/Cargo.toml:[package]", "rs/target/a.rs", "target/a.rs");
        Assert.Equal(["app/app.csproj", "rs/Cargo.toml", "target/a.rs", "tools/bin/run.sh"], Walk());
    }

    [Fact]
    public void Links_are_named_and_never_followed()
    {
        Write("real/a.md", "outside.md");
        var repo = _home.CreateSubdirectory("repo");
        Write("repo/a.md");
        Directory.CreateSymbolicLink(Path.Combine(repo.FullName, "loop"), repo.FullName);
        Directory.CreateSymbolicLink(Path.Combine(repo.FullName, "away"), Full("real"));
        File.CreateSymbolicLink(Path.Combine(repo.FullName, "out.md"), Full("outside.md"));

        var found = Find("repo");
        Assert.Equal([("a.md", null), ("out.md", SkipReasons.Link)], found.Select(f => (f.Path, f.Skipped)));
    }

    [Fact]
    public void Larger_files_are_skipped_with_a_reason()
    {
        Write("small.md:" + new string('x', 100), "large.md:" + new string('x', 101));
        var found = new FileWalker(_home.FullName, GitCheckout.None, FileSelection.Create(null, null), 100).Walk();
        Assert.Equal([("large.md", SkipReasons.TooLarge), ("small.md", null)], found.Select(f => (f.Path, f.Skipped)));
    }

    [Fact]
    public void A_folder_that_vanishes_on_the_way_is_unreadable_and_the_walk_goes_on()
    {
        Write("a/a.md", "b/b.md");
        var found = new List<FoundFile>();
        foreach (var file in new FileWalker(_home.FullName, GitCheckout.None, FileSelection.Create(null, null), 100).Walk())
        {
            found.Add(file);
            if (file.Path == "a/a.md")
            {
                Directory.Delete(Full("b"), recursive: true);
            }
        }

        Assert.Equal([("a/a.md", null), ("b", SkipReasons.Unreadable)], found.Select(f => (f.Path, f.Skipped)));
    }

    [Fact]
    public void Include_replaces_the_default_set_and_exclude_takes_away()
    {
        Write("a.cs", "b.md", "c.dat", "gen/d.dat", "package-lock.json", "x.min.js");
        Assert.Equal(["a.cs", "b.md"], Walk());
        Assert.Equal(["c.dat", "gen/d.dat"], Walk(include: ["*.dat"]));
        Assert.Equal(["c.dat"], Walk(include: ["*.dat"], exclude: ["gen/"]));
        Assert.Equal(["a.cs"], Walk(exclude: ["**/*.md"]));
        Assert.Equal(["package-lock.json"], Walk(include: ["**/package-lock.json"]));
    }

    [Theory]
    [InlineData("src/")]
    [InlineData("src")]
    [InlineData("/src")]
    [InlineData("src/**")]
    [InlineData("src/**/*")]
    public void A_folder_can_be_included_and_part_of_it_taken_back(string pattern)
    {
        Write("src/a.dat", "src/gen/b.dat", "src/deep/er/c.dat", "other/d.dat", "srcs.dat");
        Assert.Equal(["src/a.dat", "src/deep/er/c.dat", "src/gen/b.dat"], Walk(include: [pattern]));
        Assert.Equal(["src/a.dat", "src/deep/er/c.dat"], Walk(include: [pattern, "!src/gen/"]));
    }

    [Theory]
    [InlineData("../up")]
    [InlineData("a/../b")]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("#x")]
    [InlineData("/")]
    [InlineData("a\0b")]
    public void Patterns_that_leave_the_repository_or_say_nothing_are_refused(string pattern)
    {
        Assert.NotNull(FileSelection.Validate(["*.cs", pattern]));
        Assert.NotNull(FileSelection.Validate([.. Enumerable.Repeat("*.cs", FileSelection.MostPatterns + 1)]));
        Assert.Null(FileSelection.Validate(["*.cs", "src/**", "!src/gen/"]));
        Assert.Null(FileSelection.Validate(null));
    }

    private string Full(string path) => Path.Combine(_home.FullName, path);

    // "path" or "path:content"
    private void Write(params string[] files)
    {
        foreach (var file in files)
        {
            var parts = file.Split(':', 2);
            Directory.CreateDirectory(Path.GetDirectoryName(Full(parts[0]))!);
            File.WriteAllText(Full(parts[0]), parts.Length > 1 ? parts[1] : "text");
        }
    }

    private IReadOnlyList<FoundFile> Find(string folder = "", string[]? include = null, string[]? exclude = null) =>
        [.. new FileWalker(Path.TrimEndingDirectorySeparator(Full(folder)), GitCheckout.Around(Path.TrimEndingDirectorySeparator(Full(folder)), _home.FullName), FileSelection.Create(include, exclude), 1 << 20).Walk()];

    private IEnumerable<string> Walk(string folder = "", string[]? include = null, string[]? exclude = null) =>
        Find(folder, include, exclude).Where(f => f.Skipped is null).Select(f => f.Path);
}
