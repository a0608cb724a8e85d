using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu ingest PATH…</c>: directories become searchable; by default it waits until that is so.</summary>
internal static class IngestCommand
{
    public static Command Create(GlobalOptions options, Terminal terminal)
    {
        var paths = new Argument<string[]>("PATH") { Description = "Directories to make searchable", Arity = ArgumentArity.OneOrMore };
        var repo = new Option<string?>("--repo") { Description = "The name under which it is known; default: the directory's name", HelpName = "ID" };
        var include = new Option<string[]>("--include") { Description = "Only files that match, such as **/*.cs; may be repeated", HelpName = "G" };
        var exclude = new Option<string[]>("--exclude") { Description = "Without files that match; may be repeated", HelpName = "G" };
        var noWait = new Option<bool>("--no-wait") { Description = "Return once the work is accepted, without waiting for the embedding" };

        var command = new Command("ingest", "Make directories searchable") { paths, repo, include, exclude, noWait };
        command.Validators.Add(result =>
        {
            if (result.GetValue(repo) is not null && result.GetValue(paths) is { Length: > 1 })
            {
                result.AddError("--repo names one repository; give one PATH with it.");
            }
        });
        command.SetAction(async (parsed, ct) =>
        {
            var address = await ServiceConnection.FindAsync(options, parsed, ct);
            var requests = parsed.GetRequiredValue(paths).Select(path => new IngestRepositoryRequest
            {
                Path = Resolve(path, address),
                RepoId = parsed.GetValue(repo),
                Include = parsed.GetValue(include) is { Length: > 0 } i ? i : null,
                Exclude = parsed.GetValue(exclude) is { Length: > 0 } e ? e : null,
            }).ToList();

            // A service of our own may read what we were asked to read, wherever it lies.
            await using var service = await ServiceConnection.OpenAsync(address, [.. requests.Select(r => r.Path!)], terminal, ct);
            var operations = await IngestAsync(service, requests, !parsed.GetValue(noWait), terminal, ct);
            if (options.IsJson(parsed))
            {
                terminal.WriteJson(operations);
            }

            return operations.All(o => o.State is not (OperationStates.Failed or OperationStates.Cancelled)) ? ExitCode.Done : ExitCode.Failed;
        });
        return command;
    }

    private static async Task<IReadOnlyList<Operation>> IngestAsync(
        ServiceConnection service, IReadOnlyList<IngestRepositoryRequest> requests, bool wait, Terminal terminal, CancellationToken ct)
    {
        var repositories = new RepositoriesClient(service.Http);
        var operations = new List<Operation>();
        foreach (var request in requests)
        {
            var operation = await repositories.IngestAsync(request, ct);
            if (wait)
            {
                operation = await Following.OperationAsync(service.Http, operation, $"reading {request.Path}", terminal, ct);
                Report(request, operation, terminal);
            }
            else
            {
                terminal.Say($"accepted: operation {operation.Id} for {request.Path}");
            }

            operations.Add(operation);
        }

        var done = wait && await Following.EmbeddingAsync(service.Http, terminal, ct);
        if (!done && service.IsOwn)
        {
            terminal.Say("no service runs: the work goes on when one does (`mahavishnu up`)");
        }

        return operations;
    }

    private static void Report(IngestRepositoryRequest request, Operation operation, Terminal terminal)
    {
        if (operation.Error is { } error)
        {
            terminal.Say($"{request.Path}: {error.Message}");
        }
        else if (operation.Result is { } json && json.Deserialize<RepositoryResult>(WireJson.Lenient) is { } result)
        {
            terminal.Say(string.Create(
                CultureInfo.InvariantCulture,
                $"{result.RepoId}: {result.Chunks} chunks ({result.ChunksCreated} new, {result.ChunksRemoved} removed) of {result.FilesChanged + result.FilesUnchanged} files ({result.FilesChanged} changed, {result.FilesRemoved} vanished, {result.FilesSkipped} skipped) in {result.Seconds:0.0} s"));
        }
        else
        {
            terminal.Say($"{request.Path}: {operation.State}");
        }
    }

    /// <summary>The path as the service is to read it: absolute here on this machine; elsewhere the service's own, which must not be mistaken for one of ours.</summary>
    internal static string Resolve(string path, ServiceAddress? address)
    {
        if (address is { IsThisMachine: false })
        {
            return Path.IsPathRooted(path) && !Path.Exists(path)
                ? path
                : throw new CliException($"PATH {path} lies on this machine, but it would be read by the service at {address.Url}. Give a path of that machine, or run this there.", ExitCode.WrongUsage);
        }

        var full = Path.GetFullPath(path);
        return Directory.Exists(full)
            ? full
            : throw new CliException(
                File.Exists(full) ? $"PATH {path} is a file; give its directory, with --include for the file." : $"PATH {path} does not exist.");
    }
}
