using System.Text.Json;
using DuckDB.NET.Data;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;

namespace Mahavishnu.Migration.Tests.Imports;

/// <summary>A migration service with a database and a folder of its own.</summary>
internal sealed class ImportWorld : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("imports-");

    private ImportWorld(TestDatabase database, TestHost host) => (Database, Host) = (database, host);

    public TestDatabase Database { get; }

    public TestHost Host { get; }

    public ImportsClient Imports => new(Host.Http);

    /// <summary>The only place from which may be imported, unless the test said otherwise.</summary>
    public string Folder => AllowedRoots.RealPath(_folder.FullName)!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static async Task<ImportWorld> StartAsync(PostgresFixture postgres, params (string Key, string? Value)[] settings)
    {
        // First, as it skips the test where there is no server.
        var database = await postgres.CreateDatabaseAsync();
        var host = await TestHost.StartAsync(
            database.ConnectionString, builder => builder.AddMigration(), app => app.MapMigration(), [("Ingest:Roots:0", Path.GetTempPath()), .. settings]);
        return new ImportWorld(database, host);
    }

    /// <summary>A DuckDB file made by these statements.</summary>
    public string Write(string name, params string[] statements)
    {
        var path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var connection = new DuckDBConnection($"Data Source={path}");
        connection.Open();
        foreach (var statement in statements)
        {
            using var command = SqlText.With(connection.CreateCommand(), statement);
            command.ExecuteNonQuery();
        }

        return path;
    }

    public Task<ImportReport> ImportAsync(params string[] paths) => ImportAsync(Request(paths));

    /// <summary>Imports, and follows it to its good end.</summary>
    public async Task<ImportReport> ImportAsync(ImportRequest request) => Result<ImportReport>(await EndAsync(await Imports.StartAsync(request, Ct)));

    public async Task<ImportUndone> UndoAsync(Guid import) => Result<ImportUndone>(await EndAsync(await Imports.UndoAsync(import, Ct)));

    /// <summary>The operation, once nothing more will happen to it.</summary>
    public Task<Operation> EndAsync(Operation operation) => Eventually.Async(
        async () => (await Host.Get<OperationStore>().FindAsync(operation.Id, Ct))!, o => OperationStates.IsFinal(o.State), "The end of the operation", TimeSpan.FromMinutes(3));

    public static ImportRequest Request(params string[] paths) => new() { Paths = paths, TimeZone = "America/Los_Angeles" };

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await Database.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private static T Result<T>(Operation operation)
    {
        Assert.True(operation.State == OperationStates.Completed, $"{operation.State} {operation.Error}");
        return operation.Result!.Value.Deserialize<T>(WireJson.Lenient)!;
    }
}
