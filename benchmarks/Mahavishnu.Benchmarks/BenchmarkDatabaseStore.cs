using System.Diagnostics;
using System.Globalization;
using Mahavishnu.Storage;
using Npgsql;

namespace Mahavishnu.Benchmarks;

/// <summary>A database of the benchmark's own, on the server of <c>MAHAVISHNU_TEST_DB</c> or else the private one; dropped at the end.</summary>
internal sealed class BenchmarkDatabaseStore : IAsyncDisposable
{
    // Goes up with every change of what the generator makes: a store of another version is another store.
    private const int SyntheticVersion = 1;

    // A store up to this size is made in a few seconds, and not kept.
    private const int Small = 2_000;

    private readonly string _server;
    private readonly string _name;

    private BenchmarkDatabaseStore(string server, string name)
    {
        _server = server;
        _name = name;
        ConnectionString = new NpgsqlConnectionStringBuilder(server) { Database = name }.ConnectionString;
    }

    public string ConnectionString { get; }

    public static async Task<BenchmarkDatabaseStore> CreateAsync(CancellationToken ct) =>
        await CreateAsync(await ServerAsync(ct), OwnName(), "template0", ct);

    /// <summary>A store of synthetic memories: a copy of one that is kept on the server, made first where there is none. A small one is made each time.</summary>
    /// <returns>The store, and what making it took; null where it was there.</returns>
    public static async Task<(BenchmarkDatabaseStore Copy, SyntheticLoad? Load)> CreateSyntheticAsync(int rows, CancellationToken ct, int projects = SyntheticMemory.Projects)
    {
        if (!IsKept(rows))
        {
            var small = await CreateAsync(ct);
            return (small, await small.FillAsync(rows, projects, ct));
        }

        var server = await ServerAsync(ct);
        var kept = SyntheticName(rows, projects);
        var load = await ExistsAsync(server, kept, ct) ? null : await MakeAsync(server, kept, rows, projects, ct);
        await Progress.SayAsync($"copying {kept}");
        // A copy of its files: written to the log first, a gigabyte takes longer.
        return (await CreateAsync(server, OwnName(), $"{kept} STRATEGY file_copy", ct), load);
    }

    /// <summary>The database that is kept: another size, schema or generator, another name.</summary>
    public static string SyntheticName(int rows, int projects = SyntheticMemory.Projects) => string.Create(
        CultureInfo.InvariantCulture,
        $"mahavishnu_synthetic_{rows}_{(projects == SyntheticMemory.Projects ? "" : FormattableString.Invariant($"p{projects}_"))}v{SyntheticVersion}_s{SchemaStore.ProgramVersion}");

    /// <summary>Whether a store of this size stays on the server.</summary>
    public static bool IsKept(int rows) => rows > Small;

    private static string OwnName() => $"mahavishnu_bench_{Guid.NewGuid():n}";

    private static async Task<BenchmarkDatabaseStore> CreateAsync(string server, string name, string template, CancellationToken ct)
    {
        var database = new BenchmarkDatabaseStore(server, name);
        await database.OnServerAsync($"DROP DATABASE IF EXISTS {name} WITH (FORCE)", ct);
        await database.OnServerAsync($"CREATE DATABASE {name} TEMPLATE {template}", ct);
        await using var db = StorageModule.OpenDataSource(database.ConnectionString);
        await new SchemaStore(db).UpgradeAsync(ct);
        return database;
    }

    private static async Task<SyntheticLoad> MakeAsync(string server, string kept, int rows, int projects, CancellationToken ct)
    {
        await Progress.SayAsync($"making {kept}, which is kept");
        // Under another name until it is whole.
        var making = await CreateAsync(server, OwnName(), "template0", ct);
        var load = await making.FillAsync(rows, projects, ct);
        await making.OnServerAsync($"DROP DATABASE IF EXISTS {kept} WITH (FORCE)", ct);
        await making.OnServerAsync($"ALTER DATABASE {making._name} RENAME TO {kept}", ct);
        return load;
    }

    private async Task<SyntheticLoad> FillAsync(int rows, int projects, CancellationToken ct)
    {
        try
        {
            await using var db = StorageModule.OpenDataSource(ConnectionString);
            return await new SyntheticStore(db).FillAsync(rows, projects, ct);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    private static async Task<bool> ExistsAsync(string server, string name, CancellationToken ct)
    {
        await using var db = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(server) { Pooling = false });
        await using var command = db.CreateCommand("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
        return await command.ExecuteScalarAsync(ct) is true;
    }

    /// <summary>Short memories that wait for every space there is, as if they had been written; through the door a million would take its time.</summary>
    public async Task QueueMemoriesAsync(int count, CancellationToken ct)
    {
        await using var db = StorageModule.OpenDataSource(ConnectionString);
        await using var command = db.CreateCommand("""
            WITH made AS (
                INSERT INTO memories (id, memory_type, source_system, content, content_hash, occurred_at)
                SELECT gen_random_uuid(), 'agent', 'bench', text, sha256(convert_to(text, 'UTF8')), now()
                FROM (SELECT format('The queue of remark %s is long; ledger entry %s waits for its turn behind %s others and is not forgotten.', i, i * 31 % 9973, i - 1) AS text FROM generate_series(1, $1) AS i) AS texts
                RETURNING tenant_id, id)
            INSERT INTO embedding_queue (tenant_id, memory_id, space_id) SELECT made.tenant_id, made.id, s.id FROM made CROSS JOIN embedding_spaces s
            """);
        command.CommandTimeout = 0;
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = count });
        await command.ExecuteNonQueryAsync(ct);
    }

    public async ValueTask DisposeAsync() => await OnServerAsync($"DROP DATABASE IF EXISTS {_name} WITH (FORCE)", CancellationToken.None);

    private async Task OnServerAsync(string sql, CancellationToken ct)
    {
        await using var db = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(_server) { Pooling = false });
        await using var command = SqlText.Command(sql, db);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(ct);
    }

    private static async Task<string> ServerAsync(CancellationToken ct) =>
        Environment.GetEnvironmentVariable("MAHAVISHNU_TEST_DB") is { Length: > 0 } given ? given : await PrivateServerAsync(ct);

    private static async Task<string> PrivateServerAsync(CancellationToken ct)
    {
        using var up = Process.Start(new ProcessStartInfo("bash", [Path.Combine(Machine.Root(), "infra", "postgres", "local.sh"), "up", "mahavishnu_bench"]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var url = await up.StandardOutput.ReadToEndAsync(ct);
        await up.WaitForExitAsync(ct);
        return up.ExitCode == 0 ? url.Trim() : throw new InvalidOperationException("The private PostgreSQL did not start; set MAHAVISHNU_TEST_DB to a server of your own.");
    }
}
