using System.CommandLine;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu import PATH…</c>: takes over what Session-Buddy's files hold, and says what became of every row.</summary>
internal static class ImportCommand
{
    public static Command Create(GlobalOptions options, Terminal terminal)
    {
        var paths = new Argument<string[]>("PATH") { Description = "Session-Buddy's DuckDB files, or folders with them", Arity = ArgumentArity.OneOrMore };
        var zone = new Option<string?>("--time-zone") { Description = "Where the files were written, such as America/Los_Angeles; default: this machine's", HelpName = "Z" };
        zone.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } given && !TimeZoneInfo.TryFindSystemTimeZoneById(given, out _))
            {
                result.AddError($"--time-zone '{given}' is not a time zone that this machine knows, such as America/Los_Angeles or UTC.");
            }
        });
        var dry = new Option<bool>("--dry-run") { Description = "Report what would be done and write nothing" };
        var collections = new Option<string[]>("--collection") { Description = "Only this collection; may be repeated", HelpName = "C" };
        var tables = new Option<string[]>("--tables") { Description = "Only this table; may be repeated", HelpName = "T" };
        var noCopy = new Option<bool>("--no-copy") { Description = "Refuse a file that is in use, or has a write-ahead log, rather than read a copy" };
        var verify = new Option<bool>("--verify") { Description = "Read source and target again and compare them; default for small files" };
        var noVerify = new Option<bool>("--no-verify") { Description = "Do not" };
        var backups = new Option<bool>("--include-backups") { Description = "Take backups in a folder along" };
        var wait = new Option<bool>("--wait") { Description = "Wait until everything is found by meaning, too" };

        var verbs = new ServiceVerbs(options, terminal);
        var command = new Command("import", "Take over Session-Buddy's memories")
        {
            paths, zone, dry, collections, tables, noCopy, verify, noVerify, backups, wait,
            ImportCommands.List(verbs), ImportCommands.Show(verbs), ImportCommands.Rejects(verbs), ImportCommands.Undo(verbs),
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(verify) && result.GetValue(noVerify))
            {
                result.AddError("--verify and --no-verify exclude each other.");
            }
        });
        command.SetAction(async (parsed, ct) =>
        {
            var address = await ServiceConnection.FindAsync(options, parsed, ct);
            var request = new ImportRequest
            {
                Paths = [.. parsed.GetRequiredValue(paths).Select(p => Resolve(p, address))],
                TimeZone = parsed.GetValue(zone) ?? Here(address),
                DryRun = parsed.GetValue(dry),
                Collections = parsed.GetValue(collections),
                Tables = parsed.GetValue(tables),
                Copy = !parsed.GetValue(noCopy),
                Verify = parsed.GetValue(verify) ? true : parsed.GetValue(noVerify) ? false : null,
                IncludeBackups = parsed.GetValue(backups),
            };
            // A service of our own may read what we were asked to read, wherever it lies.
            await using var service = await ServiceConnection.OpenAsync(address, request.Paths, terminal, ct);
            var report = await ImportAsync(service, request, parsed.GetValue(wait), terminal, ct);
            if (options.IsJson(parsed))
            {
                terminal.WriteJson(report);
            }
            else
            {
                ImportView.Write(report, terminal);
            }

            return report.Verification is null || report.Verified ? ExitCode.Done : ExitCode.Failed;
        });
        return command;
    }

    private static async Task<ImportReport> ImportAsync(ServiceConnection service, ImportRequest request, bool wait, Terminal terminal, CancellationToken ct)
    {
        var imports = new ImportsClient(service.Http);
        var accepted = await imports.StartAsync(request, ct);
        var report = ImportCommands.Result<ImportReport>(await Following.OperationAsync(service.Http, accepted, "importing", terminal, ct), "import");
        if (wait && report.ImportId is { } id)
        {
            await Following.EmbeddingAsync(service.Http, terminal, ct);
            report = report with { PendingEmbeddings = (await imports.GetAsync(id, ct)).PendingEmbeddings };
        }
        else if (service.IsOwn && report.PendingEmbeddings > 0)
        {
            terminal.Say("no service runs: the embedding goes on when one does (`mahavishnu up`)");
        }

        return report;
    }

    /// <summary>The path as the service is to read it, see <see cref="IngestCommand.Resolve"/>; a file or a folder.</summary>
    internal static string Resolve(string path, ServiceAddress? address)
    {
        if (address is { IsThisMachine: false })
        {
            return Path.IsPathRooted(path) && !Path.Exists(path)
                ? path
                : throw new CliException($"PATH {path} lies on this machine, but it would be read by the service at {address.Url}. Give a path of that machine, or run this there.", ExitCode.WrongUsage);
        }

        var full = Path.GetFullPath(path);
        // A link exists wherever it leads.
        return !Path.Exists(full) ? throw new CliException($"PATH {path} does not exist.")
            : Path.Exists(AllowedRoots.RealPath(full)) ? full
            : throw new CliException($"PATH {path} is a link that leads nowhere.");
    }

    /// <summary>The caller's own time zone where the files are on the caller's machine; elsewhere the service knows better.</summary>
    private static string? Here(ServiceAddress? address) =>
        address is not { IsThisMachine: false } && TimeZoneInfo.TryFindSystemTimeZoneById(TimeZoneInfo.Local.Id, out _) ? TimeZoneInfo.Local.Id : null;
}
