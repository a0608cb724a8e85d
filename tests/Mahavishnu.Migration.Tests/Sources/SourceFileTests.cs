using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Mahavishnu.Migration.Tests.Sources;

/// <summary>Opening a file: it is never changed, and what is wrong with it is said in one sentence.</summary>
public sealed class SourceFileTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static readonly string[] Some =
    [
        "CREATE TABLE reflections (id VARCHAR PRIMARY KEY, content TEXT, timestamp TIMESTAMP)", "INSERT INTO reflections SELECT i::VARCHAR, 'text ' || i, TIMESTAMP '2026-01-01' FROM range(3000) t(i)",
    ];

    [Fact]
    public async Task A_closed_file_is_read_where_it_stands_and_stays_as_it_is()
    {
        using var world = SourceWorld.Make(Some);
        var before = File.ReadAllBytes(world.Path);

        await using (var file = await world.OpenAsync(SourceWorld.Options with { Copy = false }))
        {
            Assert.Equal(SHA256.HashData(before), file.Hash);
            Assert.Equal((before.LongLength, false), (file.Bytes, file.Copied));
            Assert.Equal(3_000, await file.ReadAsync(file.Tables.Single(), 0, Ct).CountAsync(Ct));
        }

        Assert.Equal(before, File.ReadAllBytes(world.Path));
        Assert.Equal([world.Path], Directory.GetFileSystemEntries(world.Folder));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(999)]
    [InlineData(1_000)]
    [InlineData(2_048)]
    [InlineData(2_989)]
    [InlineData(3_000)]
    public async Task Reading_goes_on_behind_any_row(long after)
    {
        using var world = SourceWorld.Make(Some);
        world.Execute("DELETE FROM reflections WHERE id::INT BETWEEN 990 AND 1000");

        var rows = (await world.RowsAsync("reflections", after)).Cast<TextRow>().ToList();

        var expected = Enumerable.Range(0, 3_000).Where(i => i is < 990 or > 1_000 && i >= after).Where(i => i >= after).ToList();
        Assert.Equal(expected.Select(i => (long)i + 1), rows.Select(r => r.Number));
        Assert.Equal(expected.Select(i => $"text {i}"), rows.Select(r => r.Draft.Content));
    }

    [Theory]
    [InlineData("PRIMARY KEY")]
    [InlineData("")]
    public async Task Texts_that_do_not_fit_into_memory_together_are_read_one_by_one(string key)
    {
        using var world = SourceWorld.Make(
            $"CREATE TABLE reflections (id VARCHAR {key}, content TEXT, timestamp TIMESTAMP)",
            "INSERT INTO reflections SELECT i::VARCHAR, CASE WHEN i BETWEEN 1000 AND 1079 THEN repeat(md5(i::VARCHAR), 32768) ELSE 'text ' || i END, NULL FROM range(3000) t(i)");

        var rows = (await world.RowsAsync("reflections")).Cast<TextRow>().ToList();

        Assert.Equal(Enumerable.Range(1, 3_000).Select(i => (long)i), rows.Select(r => r.Number));
        Assert.Equal(Enumerable.Range(0, 3_000).Select(i => i.ToString(System.Globalization.CultureInfo.InvariantCulture)), rows.Select(r => r.SourceId));
        Assert.All(rows[1_000..1_080], r => Assert.Equal(1024 * 1024, r.Draft.Content.Length));
        Assert.Equal(80, rows[1_000..1_080].Select(r => r.Draft.DedupeKey).Distinct().Count());
    }

    [Fact]
    public async Task A_file_with_a_log_is_read_as_a_copy_with_what_the_log_holds()
    {
        using var world = SourceWorld.Make(Some);
        using var other = SourceWorld.Make(Some);
        using (var connection = other.Connect())
        {
            SourceWorld.Execute(connection, "SET wal_autocheckpoint = '1GB'", "INSERT INTO reflections VALUES ('new', 'in the log', NULL)");
            File.Copy(other.Path, world.Path, overwrite: true);
            File.Copy(other.Path + ".wal", world.Path + ".wal");
        }

        var before = (File.ReadAllBytes(world.Path), File.ReadAllBytes(world.Path + ".wal"));
        var copies = Copies();
        await using (var file = await world.OpenAsync())
        {
            Assert.True(file.Copied);
            Assert.Equal(SHA256.HashData([.. before.Item1, .. before.Item2]), file.Hash);
            Assert.Contains(await file.ReadAsync(file.Tables.Single(), 3_000, Ct).ToListAsync(Ct), r => r is TextRow { Draft.Content: "in the log" });
            Assert.Equal(world.Path, file.Path);
        }

        Assert.Equal(before.Item1, File.ReadAllBytes(world.Path));
        Assert.Equal(before.Item2, File.ReadAllBytes(world.Path + ".wal"));
        Assert.Subset(copies, Copies());
        var refused = await Assert.ThrowsAsync<SourceFileException>(() => world.OpenAsync(SourceWorld.Options with { Copy = false }));
        Assert.Contains("write-ahead log", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_that_cannot_be_replayed_is_said_and_no_copy_stays_behind()
    {
        using var world = SourceWorld.Make(Some);
        byte[] log;
        using (var connection = world.Connect())
        {
            SourceWorld.Execute(connection, "SET wal_autocheckpoint = '1GB'", "INSERT INTO reflections VALUES ('new', 'in the log', NULL)");
            log = File.ReadAllBytes(world.Path + ".wal");
        }

        for (var i = log.Length / 2; i < log.Length; i++)
        {
            log[i] ^= 0x55;
        }

        File.WriteAllBytes(world.Path + ".wal", log);
        var copies = Copies();

        var refused = await Assert.ThrowsAsync<SourceFileException>(() => world.OpenAsync());

        Assert.Contains("write-ahead log", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
        Assert.Subset(copies, Copies());
    }

    [Fact]
    public async Task A_file_in_use_is_copied_or_refused()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Takes a lock as another process would, by a call that Linux has.");
        using var world = SourceWorld.Make(Some);
        using var taken = ForeignLock.Take(world.Path);

        var refused = await Assert.ThrowsAsync<SourceFileException>(() => world.OpenAsync(SourceWorld.Options with { Copy = false }));
        await using var file = await world.OpenAsync();

        Assert.Contains("in use", refused.Message, StringComparison.Ordinal);
        Assert.True(file.Copied);
        Assert.Equal(3_000, await file.ReadAsync(file.Tables.Single(), 0, Ct).CountAsync(Ct));
    }

    [Fact]
    public async Task An_index_of_a_kind_that_is_not_here_does_not_matter()
    {
        using var world = SourceWorld.Make([.. Some, "CREATE INDEX embeddings ON reflections (content)"]);
        world.MakeIndexesForeign();

        Assert.Equal(3_000, (await world.RowsAsync("reflections")).Count);
    }

    [Fact]
    public async Task What_is_no_DuckDB_file_is_said_in_one_sentence()
    {
        using var good = SourceWorld.Make(Some);
        var bytes = File.ReadAllBytes(good.Path);
        var newer = (byte[])bytes.Clone();
        newer[12] = 200;
        var damaged = (byte[])bytes.Clone();
        Array.Fill(damaged, (byte)0x5A, 3 * 4_096 + 100, 5_000);

        await RefusedAsync([], "is empty");
        await RefusedAsync(Encoding.UTF8.GetBytes("hello, I am a text"), "is not a DuckDB file");
        await RefusedAsync(new byte[100_000], "is not a DuckDB file");
        await RefusedAsync(Encoding.ASCII.GetBytes("SQLite format 3\0" + new string('x', 500)), "SQLite");
        await RefusedAsync(newer, "newer DuckDB");
        await RefusedAsync(damaged, "is damaged");
        foreach (var length in new[] { 20, 3_000, 5_000, 12_288, bytes.Length / 2, bytes.Length - 1 })
        {
            await RefusedAsync(bytes[..length], "is cut off");
        }

        static async Task RefusedAsync(byte[] bytes, string says)
        {
            using var world = SourceWorld.Of(bytes);
            await SaysAsync(world.Path, says);
        }
    }

    [Fact]
    public async Task A_path_that_is_no_file_is_said_in_one_sentence()
    {
        using var world = SourceWorld.Make(Some);

        await SaysAsync(world.Folder, "is a folder");
        await SaysAsync(Path.Combine(world.Folder, "gone.duckdb"), "does not exist");
        if (!OperatingSystem.IsWindows())
        {
            // Opened, it would never answer.
            var pipe = Path.Combine(world.Folder, "pipe.duckdb");
            using var made = Process.Start("mkfifo", [pipe]);
            await made.WaitForExitAsync(Ct);
            await SaysAsync(pipe, "is empty");
        }

        if (!OperatingSystem.IsWindows() && !Environment.IsPrivilegedProcess)
        {
            File.SetUnixFileMode(world.Path, UnixFileMode.None);
            await SaysAsync(world.Path, "cannot be read");
        }
    }

    [Fact]
    public async Task The_newest_storage_version_that_the_library_writes_is_read()
    {
        using var world = SourceWorld.Make(Some);
        var path = Path.Combine(world.Folder, "latest.duckdb");
        using (var connection = world.Connect())
        {
            SourceWorld.Execute(connection, $"ATTACH '{path}' AS latest (STORAGE_VERSION 'latest')", "CREATE TABLE latest.reflections (content TEXT)", "DETACH latest");
        }

        Assert.Equal(SourceHeader.NewestVersion, BitConverter.ToUInt64(File.ReadAllBytes(path), 12));
        await using var file = await SourceFile.OpenAsync(path, SourceWorld.Options, Ct);
        Assert.Single(file.Tables);
    }

    [Fact]
    public async Task Reading_stops_when_it_is_cancelled()
    {
        using var world = SourceWorld.Make(Some);
        await using var file = await world.OpenAsync();
        using var stop = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in file.ReadAsync(file.Tables.Single(), 0, stop.Token))
            {
                await stop.CancelAsync();
            }
        });
    }

    private static async Task SaysAsync(string path, string says)
    {
        var refused = await Assert.ThrowsAsync<SourceFileException>(() => SourceFile.OpenAsync(path, SourceWorld.Options, Ct));

        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
        Assert.StartsWith(path, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    private static HashSet<string> Copies() => [.. Directory.GetDirectories(Path.GetTempPath(), "mahavishnu-import-*")];
}
