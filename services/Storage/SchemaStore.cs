using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Mahavishnu.Contracts;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>One numbered file of <c>Schema/</c>.</summary>
/// <param name="Checksum">SHA-256 of the text with LF line ends, in hex.</param>
public sealed record SchemaMigration(int Number, string Name, string Sql, string Checksum)
{
    /// <summary>Statements such as CREATE INDEX CONCURRENTLY cannot run in a transaction; a file of them starts with this line.</summary>
    public bool InTransaction => !Sql.StartsWith("-- no-transaction", StringComparison.Ordinal);

    internal static SchemaMigration Of(int number, string name, string sql) =>
        new(number, name, sql, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(sql))));
}

/// <summary>The database cannot be used as it is; <see cref="Exception.Message"/> says why and what helps.</summary>
public sealed class SchemaException(string message) : Exception(message);

/// <summary>The schema's runner: numbered files, forward only, each applied once.</summary>
public sealed class SchemaStore(NpgsqlDataSource db)
{
    // "mahavish" as bytes: the advisory lock that keeps two replicas from upgrading at once.
    private const long UpgradeLock = 0x6d61686176697368;
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(100);

    private readonly IReadOnlyList<SchemaMigration> _migrations = Migrations;

    /// <summary>A runner of other files than the program's own.</summary>
    internal SchemaStore(NpgsqlDataSource db, IReadOnlyList<SchemaMigration> migrations) : this(db) => _migrations = migrations;

    /// <summary>Oldest pgvector with iterative index scans, without which a filtered search loses rows.</summary>
    public static Version OldestPgvector { get; } = new(0, 8, 0);

    /// <summary>The files this program brings, in order.</summary>
    public static IReadOnlyList<SchemaMigration> Migrations { get; } = Load();

    /// <summary>The newest migration this program knows.</summary>
    public static int ProgramVersion => Migrations[^1].Number;

    /// <summary>Applies what is missing, one transaction a file; waits while another process does the same.</summary>
    /// <returns>The migrations applied now.</returns>
    /// <exception cref="SchemaException">The server is too old, an applied file was changed, or the schema is newer than the program.</exception>
    public async Task<IReadOnlyList<SchemaMigration>> UpgradeAsync(CancellationToken ct = default)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await CheckServerAsync(connection, ct);
        await LockAsync(connection, ct);
        var applied = new List<SchemaMigration>();
        try
        {
            await ExecuteAsync(connection, """
                CREATE TABLE IF NOT EXISTS schema_versions (
                    number     int         PRIMARY KEY,
                    name       text        NOT NULL,
                    checksum   text        NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT now())
                """, ct);
            var before = await ReadAsync(connection, ct);
            Check(before);
            foreach (var migration in _migrations.Where(m => before.All(b => b.Number != m.Number)))
            {
                await ApplyAsync(connection, migration, ct);
                applied.Add(migration);
            }
        }
        finally
        {
            await ExecuteAsync(connection, $"SELECT pg_advisory_unlock({UpgradeLock})", CancellationToken.None);
        }

        // The vector types may be new to this data source; without this their parameters throw InvalidCastException.
        await connection.ReloadTypesAsync(ct);
        await db.ReloadTypesAsync(ct);
        return applied;
    }

    // Asks again instead of waiting in the statement: a waiting statement holds a snapshot, and a CREATE INDEX
    // CONCURRENTLY of the process that has the lock would wait for that snapshot to go away, forever.
    private static async Task LockAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        while (true)
        {
            await using (var command = new NpgsqlCommand("SELECT pg_try_advisory_lock($1)", connection))
            {
                command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = UpgradeLock });
                if (await command.ExecuteScalarAsync(ct) is true)
                {
                    return;
                }
            }

            await Task.Delay(LockPause, ct);
        }
    }

    /// <summary>What the database has; an empty list before the first upgrade.</summary>
    public async Task<IReadOnlyList<AppliedMigration>> ReadAsync(CancellationToken ct = default)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        return await ReadAsync(connection, ct);
    }

    /// <summary>Throws unless the schema is exactly the one this program was written for.</summary>
    /// <exception cref="SchemaException">It is older, newer or changed.</exception>
    public async Task RequireCurrentAsync(CancellationToken ct = default) => RequireCurrent(await ReadAsync(ct));

    internal void RequireCurrent(IReadOnlyList<AppliedMigration> applied)
    {
        Check(applied);
        var version = applied.Count == 0 ? 0 : applied[^1].Number;
        if (version < Newest)
        {
            throw new SchemaException($"The schema is at version {version}, this program needs {Newest}. Run `mahavishnu db migrate` (or the migration service with --migrate).");
        }
    }

    private int Newest => _migrations[^1].Number;

    private void Check(IReadOnlyList<AppliedMigration> applied)
    {
        foreach (var a in applied)
        {
            var known = _migrations.FirstOrDefault(m => m.Number == a.Number)
                ?? throw new SchemaException($"The schema is at version {applied[^1].Number}, newer than this program's {Newest}. Use a newer program.");
            if (!string.Equals(known.Checksum, a.Checksum, StringComparison.Ordinal))
            {
                throw new SchemaException($"Migration {a.Number} ({a.Name}) was applied from another text than this program's. An applied file must never be changed; add a new one.");
            }
        }
    }

    private static async Task ApplyAsync(NpgsqlConnection connection, SchemaMigration migration, CancellationToken ct)
    {
        if (!migration.InTransaction)
        {
            // Each statement alone: several in one command would share an implicit transaction.
            foreach (var statement in migration.Sql.Split(";\n", StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                await ExecuteAsync(connection, statement, ct);
            }

            await RecordAsync(connection, migration, ct);
            return;
        }

        await using var transaction = await connection.BeginTransactionAsync(ct);
        await ExecuteAsync(connection, migration.Sql, ct);
        await RecordAsync(connection, migration, ct);
        await transaction.CommitAsync(ct);
    }

    private static async Task RecordAsync(NpgsqlConnection connection, SchemaMigration migration, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("INSERT INTO schema_versions (number, name, checksum) VALUES ($1, $2, $3)", connection);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = migration.Number });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = migration.Name });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = migration.Checksum });
        await command.ExecuteNonQueryAsync(ct);
    }

    private static async Task<IReadOnlyList<AppliedMigration>> ReadAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using (var exists = new NpgsqlCommand("SELECT to_regclass('schema_versions') IS NOT NULL", connection))
        {
            if (await exists.ExecuteScalarAsync(ct) is not true)
            {
                return [];
            }
        }

        await using var command = new NpgsqlCommand("SELECT number, name, checksum, applied_at FROM schema_versions ORDER BY number", connection);
        await using var row = await command.ExecuteReaderAsync(ct);
        var applied = new List<AppliedMigration>();
        while (await row.ReadAsync(ct))
        {
            applied.Add(new AppliedMigration(row.GetInt32(0), row.GetString(1), row.GetString(2), row.GetFieldValue<DateTimeOffset>(3)));
        }

        return applied;
    }

    private static async Task CheckServerAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        if (connection.PostgreSqlVersion.Major < 15)
        {
            throw new SchemaException($"The server is PostgreSQL {connection.PostgreSqlVersion}; Mahavishnu needs 15 or newer.");
        }

        await using var command = new NpgsqlCommand("""
            SELECT coalesce((SELECT extversion FROM pg_extension WHERE extname = 'vector'),
                            (SELECT default_version FROM pg_available_extensions WHERE name = 'vector'))
            """, connection);
        if (WhatIsWrongWithPgvector(await command.ExecuteScalarAsync(ct) as string) is { } trouble)
        {
            throw new SchemaException(trouble);
        }
    }

    /// <param name="version">Of the extension installed, else of the one that could be; null where there is none.</param>
    internal static string? WhatIsWrongWithPgvector(string? version)
    {
        if (version is null)
        {
            return "The server has no pgvector (extension \"vector\"). Install pgvector 0.8 or newer beside it.";
        }

        return Version.TryParse(version, out var number) && number >= OldestPgvector
            ? null
            : $"The server has pgvector {version}; Mahavishnu needs {OldestPgvector} or newer (ALTER EXTENSION vector UPDATE, once the newer one is installed).";
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = SqlText.Command(sql, connection);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(ct);
    }

    private static List<SchemaMigration> Load()
    {
        var assembly = Assembly.GetExecutingAssembly();
        var migrations = new List<SchemaMigration>();
        foreach (var resource in assembly.GetManifestResourceNames().Where(r => r.StartsWith("Schema/", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            var sql = reader.ReadToEnd().ReplaceLineEndings("\n");
            // Schema/0001_memories.sql
            var name = resource["Schema/".Length..^".sql".Length];
            migrations.Add(SchemaMigration.Of(int.Parse(name.AsSpan(0, 4), System.Globalization.CultureInfo.InvariantCulture), name[5..], sql));
        }

        return migrations;
    }
}
