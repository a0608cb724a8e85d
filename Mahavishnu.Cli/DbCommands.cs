using System.CommandLine;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu db …</c>: the database behind the memories.</summary>
internal static class DbCommands
{
    public static Command Create(GlobalOptions options, Terminal terminal)
    {
        var file = new Argument<string>("FILE") { Description = "The backup, in PostgreSQL's custom format" };
        var force = new Option<bool>("--force") { Description = "Replace what is there" };
        var yes = new Option<bool>("--yes") { Description = "Do not ask" };

        var remove = new Command("rm", "Delete the private server and every memory in it") { yes };
        remove.SetAction((parsed, ct) => PrivateOnlyAsync(parsed.GetValue(yes) ? ["rm", "--yes"] : ["rm"], terminal, ct));
        var backup = new Command("backup", "Save all memories to a file, with the server's own pg_dump") { file, force };
        backup.SetAction((parsed, ct) => PrivateOnlyAsync(WithFile("backup", parsed.GetRequiredValue(file), parsed.GetValue(force)), terminal, ct));
        var restore = new Command("restore", "Bring memories back from a file; refuses to replace any without --force") { file, force };
        restore.SetAction((parsed, ct) => PrivateOnlyAsync(WithFile("restore", parsed.GetRequiredValue(file), parsed.GetValue(force)), terminal, ct));

        return new Command("db", "The database: start, stop, save, upgrade")
        {
            Verb("up", "Make sure the database runs; prints its connection string", (_, ct) => UpAsync(terminal, ct)),
            Verb("down", "Stop the private server; memories stay", (_, ct) => PrivateOnlyAsync(["down"], terminal, ct)),
            Verb("status", "Say which database it is and whether it runs", (parsed, ct) => StatusAsync(options.IsJson(parsed), terminal, ct)),
            Verb("url", "Print its connection string, without starting anything", (_, ct) => UrlAsync(terminal, ct)),
            remove,
            Verb("migrate", "Upgrade its schema to that of this program", (parsed, ct) => MigrateAsync(options.IsJson(parsed), terminal, ct)),
            Verb("version", "Versions of the program, its schema and the server", (parsed, ct) => VersionAsync(options.IsJson(parsed), terminal, ct)),
            backup,
            restore,
        };
    }

    private static Command Verb(string name, string description, Func<ParseResult, CancellationToken, Task<int>> action)
    {
        var command = new Command(name, description);
        command.SetAction(action);
        return command;
    }

    private static string[] WithFile(string verb, string file, bool force)
    {
        var path = Path.GetFullPath(file);
        return force ? [verb, path, "--force"] : [verb, path];
    }

    private static string? Given() => DatabaseConnection.Find(Settings.Load().Configuration);

    /// <summary>What may only be done to a server of our own.</summary>
    private static Task<int> PrivateOnlyAsync(IReadOnlyList<string> arguments, Terminal terminal, CancellationToken ct) =>
        Given() is { } given
            ? throw new CliException($"`db {arguments[0]}` is for the private server, but the settings name a database of yours: {DatabaseConnection.Mask(given)}. Use its own tools, or remove the setting.")
            : PrivateDatabase.RunAsync(arguments, terminal, ct);

    private static async Task<int> UpAsync(Terminal terminal, CancellationToken ct)
    {
        var choice = await DatabaseChoice.MakeAsync(Settings.Load().Configuration, ct);
        if (choice.Given)
        {
            await using var db = StorageModule.OpenDataSource(choice.ConnectionString);
            await using var connection = await db.OpenConnectionAsync(ct);
            terminal.Say($"{choice.Description} answers, PostgreSQL {connection.PostgreSqlVersion}");
        }

        await terminal.Out.WriteLineAsync(choice.ConnectionString);
        return ExitCode.Done;
    }

    private static async Task<int> UrlAsync(Terminal terminal, CancellationToken ct)
    {
        if (Given() is not { } given)
        {
            return await PrivateDatabase.RunAsync(["url"], terminal, ct);
        }

        await terminal.Out.WriteLineAsync(given);
        return ExitCode.Done;
    }

    private static async Task<int> StatusAsync(bool json, Terminal terminal, CancellationToken ct)
    {
        if (Given() is { } given)
        {
            await using var db = StorageModule.OpenDataSource(given);
            await using var connection = await db.OpenConnectionAsync(ct);
            Write(terminal, json, new DatabaseStatus(Given: true, Running: true, $"{DatabaseConnection.Mask(given)}, PostgreSQL {connection.PostgreSqlVersion}"));
            return ExitCode.Done;
        }

        var (code, output) = await PrivateDatabase.CaptureAsync(["status"], ct);
        if (output.Length > 0)
        {
            Write(terminal, json, new DatabaseStatus(Given: false, Running: code == ExitCode.Done, output.Trim()));
        }

        return code;
    }

    private static void Write(Terminal terminal, bool json, DatabaseStatus status)
    {
        if (json)
        {
            terminal.WriteJson(status);
        }
        else
        {
            terminal.Out.WriteLine($"{(status.Given ? "given" : "private")} database: {status.Detail}");
        }
    }

    private static async Task<int> MigrateAsync(bool json, Terminal terminal, CancellationToken ct)
    {
        var choice = await DatabaseChoice.MakeAsync(Settings.Load().Configuration, ct);
        await using var db = StorageModule.OpenDataSource(choice.ConnectionString);
        var applied = await new SchemaStore(db).UpgradeAsync(ct);
        if (json)
        {
            terminal.WriteJson(new { version = SchemaStore.ProgramVersion, applied = applied.Select(m => new { m.Number, m.Name }) });
        }
        else
        {
            foreach (var migration in applied)
            {
                await terminal.Out.WriteLineAsync(FormattableString.Invariant($"{migration.Number:0000} {migration.Name}"));
            }

            terminal.Say($"the schema is at version {SchemaStore.ProgramVersion}{(applied.Count == 0 ? "; nothing to do" : "")}");
        }

        return ExitCode.Done;
    }

    private static async Task<int> VersionAsync(bool json, Terminal terminal, CancellationToken ct)
    {
        var configuration = Settings.Load().Configuration;
        var choice = await DatabaseChoice.MakeAsync(configuration, ct);
        choice.ApplyTo(configuration);
        await using var db = StorageModule.OpenDataSource(choice.ConnectionString);
        var server = await new DatabaseStateStore(db, configuration).ReadAsync(ct);
        var version = new DatabaseVersion(ProgramVersion.Current, SchemaStore.ProgramVersion, server.SchemaVersion, server.ServerVersion, server.PgvectorVersion);
        if (json)
        {
            terminal.WriteJson(version);
        }
        else
        {
            await terminal.Out.WriteLineAsync(
                FormattableString.Invariant($"mahavishnu {version.Program}, schema {version.Schema} of {version.ProgramSchema}, PostgreSQL {version.PostgreSql}, pgvector {version.Pgvector ?? "missing"}"));
        }

        return ExitCode.Done;
    }
}

/// <summary>Answer of <c>db status --json</c>.</summary>
internal sealed record DatabaseStatus(bool Given, bool Running, string Detail);

/// <summary>Answer of <c>db version --json</c>.</summary>
/// <param name="ProgramSchema">The newest migration this program knows.</param>
/// <param name="Schema">The newest migration the database has; 0 for an empty one.</param>
internal sealed record DatabaseVersion(string Program, int ProgramSchema, int Schema, string PostgreSql, string? Pgvector);
