using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Mahavishnu.Storage;
using Npgsql;
using Xunit;

namespace Mahavishnu.TestSupport;

/// <summary>
/// The real PostgreSQL of the tests. Every test project has one as assembly fixture: a class takes it in its constructor and asks for databases,
/// each a copy of one migrated template. Nothing connects before the first database is asked for.
/// </summary>
/// <remarks>
/// <c>MAHAVISHNU_TEST_DB</c> is the connection string of a server on which databases may be created. Without it tests are skipped;
/// with <c>CI</c> set they fail. Several test processes may share a server: names are unique, pools small.
/// </remarks>
public sealed class PostgresFixture : IAsyncLifetime
{
    public const string Variable = "MAHAVISHNU_TEST_DB";
    private const string Prefix = "mahavishnu_test_";

    private static readonly string RunName =
        $"{Prefix}{DateTime.UtcNow.ToString("yyyyMMddHH", CultureInfo.InvariantCulture)}_{Guid.NewGuid().ToString("n")[..12]}";

    // What is shared by all tests is made and dropped whatever becomes of the one that asked: hence CancellationToken.None below.
    private readonly SemaphoreSlim _gate = new(1, 1);
    private string? _template;
    private TestDatabase? _readOnly;
    private int _databases;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>A migrated database of the test's own; dropped when disposed.</summary>
    /// <param name="poolSize">Most connections of <see cref="TestDatabase.DataSource"/>.</param>
    public async Task<TestDatabase> CreateDatabaseAsync(int poolSize = 10)
    {
        await MakeTemplateAsync(Server());
        return await CreateDatabaseCopyAsync(poolSize);
    }

    /// <summary>One migrated, empty database for all tests of the process that only ask and write nothing. Not to be disposed.</summary>
    public async Task<TestDatabase> ReadOnlyDatabaseAsync()
    {
        await MakeTemplateAsync(Server());
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            return _readOnly ??= await CreateDatabaseCopyAsync();
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>A database with nothing in it, not even pgvector.</summary>
    public async Task<TestDatabase> CreateEmptyDatabaseAsync(int poolSize = 10) => await CreateAsync(Server(), "", poolSize);

    public async ValueTask DisposeAsync()
    {
        if (_readOnly is not null)
        {
            await _readOnly.DisposeAsync();
        }

        if (_template is not null)
        {
            await ExecuteAsync(Server(), $"DROP DATABASE IF EXISTS {_template} WITH (FORCE)");
        }

        _gate.Dispose();
    }

    private Task<TestDatabase> CreateDatabaseCopyAsync(int poolSize = 10) => CreateAsync(Server(), $" TEMPLATE {_template}", poolSize);

    private async Task<TestDatabase> CreateAsync(string server, string template, int poolSize)
    {
        var name = $"{RunName}_{Interlocked.Increment(ref _databases).ToString(CultureInfo.InvariantCulture)}";
        await ExecuteAsync(server, $"CREATE DATABASE {name}{template}");
        return new TestDatabase(ConnectionString(server, name, poolSize), () => ExecuteAsync(server, $"DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    }

    private async Task MakeTemplateAsync(string server)
    {
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            if (_template is not null)
            {
                return;
            }

            await DropLeftoversAsync(server);
            var name = RunName + "_template";
            await ExecuteAsync(server, $"CREATE DATABASE {name}");
            await using (var source = StorageModule.OpenDataSource(ConnectionString(server, name, poolSize: 2)))
            {
                await new SchemaStore(source).UpgradeAsync(CancellationToken.None);
            }

            _template = name;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>What runs that were killed left behind: older than a day, so that no run under way is touched.</summary>
    private static async Task DropLeftoversAsync(string server)
    {
        var names = new List<string>();
        await using (var connection = new NpgsqlConnection(ConnectionString(server, "postgres", poolSize: 0)))
        {
            await connection.OpenAsync(CancellationToken.None);
            await using var command = new NpgsqlCommand("SELECT datname FROM pg_database WHERE datname LIKE $1", connection);
            command.Parameters.AddWithValue(Prefix.Replace("_", "\\_", StringComparison.Ordinal) + "%");
            await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
            while (await row.ReadAsync(CancellationToken.None))
            {
                names.Add(row.GetString(0));
            }
        }

        // mahavishnu_test_2026013123_0123456789ab_7
        var yesterday = DateTime.UtcNow.AddDays(-1).ToString("yyyyMMddHH", CultureInfo.InvariantCulture);
        foreach (var name in names.Where(n => n.Length > RunName.Length && string.CompareOrdinal(n, Prefix.Length, yesterday, 0, yesterday.Length) < 0))
        {
            await ExecuteAsync(server, $"DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        }
    }

    private static async Task ExecuteAsync(string server, string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString(server, "postgres", poolSize: 0));
        await connection.OpenAsync(CancellationToken.None);
        await using var command = SqlText.Command(sql, connection);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    /// <param name="poolSize">0: no pool.</param>
    private static string ConnectionString(string server, string database, int poolSize) =>
        new NpgsqlConnectionStringBuilder(server)
        {
            Database = database,
            Pooling = poolSize > 0,
            MinPoolSize = 0,
            MaxPoolSize = Math.Max(1, poolSize),
            // Many test classes, one server: what is idle is given back at once.
            ConnectionIdleLifetime = 2,
            ConnectionPruningInterval = 1,
            Timeout = 30,
            CommandTimeout = 60,
            IncludeErrorDetail = true,
        }.ConnectionString;

    private static string Server()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } server)
        {
            return server;
        }

        Missing();
        return "";
    }

    [DoesNotReturn]
    private static void Missing()
    {
        const string Reason = $"{Variable} is not set: it names the PostgreSQL server for tests (`mahavishnu test` starts one and sets it).";
        if (Environment.GetEnvironmentVariable("CI") is { Length: > 0 })
        {
            Assert.Fail(Reason);
        }

        Assert.Skip(Reason);
    }
}

/// <summary>One test's database.</summary>
public sealed class TestDatabase : IAsyncDisposable
{
    private readonly Func<Task> _drop;

    internal TestDatabase(string connectionString, Func<Task> drop)
    {
        _drop = drop;
        ConnectionString = connectionString;
        DataSource = StorageModule.OpenDataSource(connectionString);
    }

    public string ConnectionString { get; }

    /// <summary>Open connections close with the database.</summary>
    public NpgsqlDataSource DataSource { get; }

    /// <summary>The first column of the first row; default where there is none or it is NULL.</summary>
    public async Task<T?> ScalarAsync<T>(string sql, params object[] parameters)
    {
        await using var command = Command(sql, parameters);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken) is T value ? value : default;
    }

    /// <returns>Rows touched.</returns>
    public async Task<int> ExecuteAsync(string sql, params object[] parameters)
    {
        await using var command = Command(sql, parameters);
        return await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Every row, its columns as objects (null for NULL).</summary>
    public async Task<IReadOnlyList<object?[]>> RowsAsync(string sql, params object[] parameters)
    {
        await using var command = Command(sql, parameters);
        await using var row = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var rows = new List<object?[]>();
        while (await row.ReadAsync(TestContext.Current.CancellationToken))
        {
            rows.Add([.. Enumerable.Range(0, row.FieldCount).Select(i => row.IsDBNull(i) ? null : row.GetValue(i))]);
        }

        return rows;
    }

    public async ValueTask DisposeAsync()
    {
        await DataSource.DisposeAsync();
        await _drop();
    }

    private NpgsqlCommand Command(string sql, object[] parameters)
    {
        var command = SqlText.Command(sql, DataSource);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }

        return command;
    }
}
