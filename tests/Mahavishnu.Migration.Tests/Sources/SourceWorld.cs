using System.Buffers.Binary;
using DuckDB.NET.Data;
using Mahavishnu.Storage;

namespace Mahavishnu.Migration.Tests.Sources;

/// <summary>A DuckDB file in a folder of its own, made by SQL, and read as the import reads it.</summary>
internal sealed class SourceWorld : IDisposable
{
    public static readonly DateTimeOffset ImportedAt = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    public static readonly SourceOptions Options = new(TimeZoneInfo.FindSystemTimeZoneById("America/Los_Angeles"), ImportedAt, Copy: true, [], [], TimeProvider.System);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mahavishnu-test-");

    private SourceWorld(string name) => Path = System.IO.Path.Combine(_folder.FullName, name);

    public string Path { get; }
    public string Folder => _folder.FullName;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static SourceWorld Make(params string[] statements) => Make("reflection.duckdb", statements);

    public static SourceWorld Make(string name, string[] statements)
    {
        var world = new SourceWorld(name);
        world.Execute(statements);
        return world;
    }

    /// <summary>A file that is no database.</summary>
    public static SourceWorld Of(byte[] bytes)
    {
        var world = new SourceWorld("reflection.duckdb");
        File.WriteAllBytes(world.Path, bytes);
        return world;
    }

    public void Execute(params string[] statements)
    {
        using var connection = Connect();
        Execute(connection, [.. statements, "CHECKPOINT"]);
    }

    /// <summary>For writing; the file is locked while it is open.</summary>
    public DuckDBConnection Connect()
    {
        var connection = new DuckDBConnection($"Data Source={Path}");
        connection.Open();
        return connection;
    }

    public static void Execute(DuckDBConnection connection, params string[] statements)
    {
        foreach (var statement in statements)
        {
            using var command = SqlText.With(connection.CreateCommand(), statement);
            command.ExecuteNonQuery();
        }
    }

    public Task<SourceFile> OpenAsync(SourceOptions? options = null) => SourceFile.OpenAsync(Path, options ?? Options, Ct);

    public async Task<IReadOnlyList<SourceTable>> TablesAsync(SourceOptions? options = null)
    {
        await using var file = await OpenAsync(options);
        return file.Tables;
    }

    public async Task<IReadOnlyList<SourceRow>> RowsAsync(string table, long after = 0, SourceOptions? options = null)
    {
        await using var file = await OpenAsync(options);
        return await file.ReadAsync(file.Tables.Single(t => t.Name == table), after, Ct).ToListAsync(Ct);
    }

    public async Task<TextRow> TextAsync(string table) => Assert.IsType<TextRow>(Assert.Single(await RowsAsync(table)));

    /// <summary>Makes every index one of a kind that this DuckDB has not, as the vector indexes of Session-Buddy's are.</summary>
    public void MakeIndexesForeign()
    {
        const int First = 3 * 4_096;
        const int Length = 262_144;
        var bytes = File.ReadAllBytes(Path);
        var found = 0;
        for (var at = First; at + Length <= bytes.Length; at += Length)
        {
            var block = bytes.AsSpan(at, Length);
            int kind;
            while ((kind = block.IndexOf("ART"u8)) >= 0)
            {
                "HNS"u8.CopyTo(block[kind..]);
                BinaryPrimitives.WriteUInt64LittleEndian(block, Checksum(block[8..]));
                found++;
            }
        }

        Assert.True(found > 0, "No index was found in the file.");
        File.WriteAllBytes(Path, bytes);
    }

    private static ulong Checksum(ReadOnlySpan<byte> bytes)
    {
        var sum = 5_381UL;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            sum ^= unchecked(BinaryPrimitives.ReadUInt64LittleEndian(bytes) * 0xbf58476d1ce4e5b9UL);
        }

        return sum;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
