using Mahavishnu.Contracts;

namespace Mahavishnu.Cli.Tests;

/// <summary>A service as `up` has it, on a database of its own, and verbs that are told its address.</summary>
internal sealed class RunningService : IAsyncDisposable
{
    private readonly TestDatabase _database;
    private readonly Variables _variables;
    private readonly AllInOne _all;

    private RunningService(TestDatabase database, string root, Variables variables, AllInOne all)
    {
        Root = root;
        _database = database;
        _variables = variables;
        _all = all;
        Http = ServiceConnection.CreateClient(all.Address);
    }

    public HttpClient Http { get; }

    /// <summary>A folder that may be ingested.</summary>
    public string Root { get; }

    /// <param name="settings">Environment variables, for the service as for the verbs.</param>
    public static async Task<RunningService> StartAsync(PostgresFixture postgres, params (string Name, string? Value)[] settings)
    {
        var database = await postgres.CreateEmptyDatabaseAsync();
        var variables = new Variables([("ConnectionStrings__mahavishnu", database.ConnectionString), ("Database__MinPoolSize", "0"), ("Database__MaxPoolSize", "10"), .. settings]);
        var root = Directory.CreateTempSubdirectory("mahavishnu-service-").FullName;
        try
        {
            var all = await AllInOne.StartAsync(
                Settings.Load("http://127.0.0.1:0"), new DatabaseChoice(database.ConnectionString, Given: true), roots: [root], TestContext.Current.CancellationToken);
            await all.WarmAsync(TestContext.Current.CancellationToken);
            return new RunningService(database, root, variables, all);
        }
        catch
        {
            Directory.Delete(root, recursive: true);
            variables.Dispose();
            await database.DisposeAsync();
            throw;
        }
    }

    public Uri Url => _all.Url;

    public Task<CliRun> RunAsync(params string[] args) => RunWithInputAsync("", args);

    public Task<CliRun> RunWithInputAsync(string input, params string[] args) => Cli.RunWithInputAsync(input, [.. args, "--url", _all.Url.ToString()]);

    /// <summary>A memory that has its vector.</summary>
    public async Task<Memory> RememberAsync(string content)
    {
        var memories = new MemoriesClient(Http);
        var stored = await memories.AddAsync(new NewMemory { Content = content }, TestContext.Current.CancellationToken);
        return await Eventually.Async(() => memories.GetAsync(stored.Id, TestContext.Current.CancellationToken), m => m.Embedding == EmbeddingStates.Ready, "The embedding");
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _all.DisposeAsync();
        _variables.Dispose();
        Directory.Delete(Root, recursive: true);
        await _database.DisposeAsync();
    }
}
