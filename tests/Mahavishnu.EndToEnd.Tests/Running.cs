// Two systems of several processes at once would only wait for each other.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>One system of a kind for all tests of a class, on a database and a folder of its own.</summary>
public abstract class Running(PostgresFixture postgres, Func<string, string, (string, string?)[], MahavishnuSystem> make) : IAsyncDisposable
{
    private TestDatabase? _database;
    private MahavishnuSystem? _system;

    public MahavishnuSystem System => _system!;

    public TestDatabase Database => _database!;

    /// <summary>The only place from which may be ingested.</summary>
    public Folder Roots { get; } = new();

    /// <summary>Another one of the same kind, on a database of its own, with further settings. Not started.</summary>
    public MahavishnuSystem Another(TestDatabase database, params (string Name, string? Value)[] settings) => make(database.ConnectionString, Roots.Path, settings);

    /// <summary>A database for <see cref="Another"/>, with nothing in it.</summary>
    public Task<TestDatabase> CreateDatabaseAsync() => postgres.CreateEmptyDatabaseAsync(poolSize: 2);

    /// <summary>Starts with the first test that needs it: within a test, so that a machine without a server skips.</summary>
    public async Task StartAsync()
    {
        if (_system is not null)
        {
            return;
        }

        _database ??= await postgres.CreateEmptyDatabaseAsync(poolSize: 3);
        var system = make(_database.ConnectionString, Roots.Path, []);
        try
        {
            await system.StartAsync();
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }

        _system = system;
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_system is not null)
        {
            await _system.DisposeAsync();
        }

        if (_database is not null)
        {
            await _database.DisposeAsync();
        }

        Roots.Dispose();
    }
}

public sealed class UpRunning(PostgresFixture postgres) : Running(postgres, (database, roots, settings) => new UpSystem(database, roots, settings));

public sealed class SplitRunning(PostgresFixture postgres) : Running(postgres, (database, roots, settings) => new SplitSystem(database, roots, settings));

/// <summary>A folder that goes away with the test.</summary>
public sealed class Folder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("mahavishnu-test-").FullName;

    public string Write(string path, string content)
    {
        var file = global::System.IO.Path.Combine(Path, path);
        Directory.CreateDirectory(global::System.IO.Path.GetDirectoryName(file)!);
        File.WriteAllText(file, content);
        return file;
    }

    public void Delete(string path) => File.Delete(global::System.IO.Path.Combine(Path, path));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
