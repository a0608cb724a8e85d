using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu import list|show|rejects|undo</c>: what was imported, what was not, and how to take it back.</summary>
internal static class ImportCommands
{
    public static Command List(ServiceVerbs verbs) => verbs.On(
        new Command("list", "List imports, the newest first"),
        async (call, ct) =>
        {
            var items = await Paging.AllAsync(cursor => new ImportsClient(call.Http).ListAsync(cursor, ct));
            call.Answer(new Page<ImportSummary>(items, null), () => ImportView.Write(items, call.Terminal));
            return ExitCode.Done;
        });

    public static Command Show(ServiceVerbs verbs)
    {
        var id = Id();
        return verbs.On(
            new Command("show", "Say how an import stands") { id },
            async (call, ct) =>
            {
                var import = await new ImportsClient(call.Http).GetAsync(call.Parsed.GetValue(id), ct);
                call.Answer(import, () => ImportView.Write(import, call.Terminal));
                return ExitCode.Done;
            });
    }

    public static Command Rejects(ServiceVerbs verbs)
    {
        var id = Id();
        return verbs.On(
            new Command("rejects", "List the rows that an import did not take, with reasons") { id },
            async (call, ct) =>
            {
                var items = await Paging.AllAsync(cursor => new ImportsClient(call.Http).RejectsAsync(call.Parsed.GetValue(id), cursor, ct));
                call.Answer(new Page<ImportReject>(items, null), () => ImportView.Write(items, call.Terminal));
                return ExitCode.Done;
            });
    }

    public static Command Undo(ServiceVerbs verbs)
    {
        var id = Id();
        return verbs.On(
            new Command("undo", "Take back what an import brought; what was there before it, and what was changed since, stays") { id },
            async (call, ct) =>
            {
                var accepted = await new ImportsClient(call.Http).UndoAsync(call.Parsed.GetValue(id), ct);
                var operation = await Following.OperationAsync(call.Http, accepted, "undoing", call.Terminal, ct);
                var undone = Result<ImportUndone>(operation, "undo");
                call.Answer(undone, () => Write(undone, call.Terminal));
                return ExitCode.Done;
            });
    }

    /// <summary>What an operation ended with.</summary>
    /// <exception cref="CliException">It did not end well; the message says why.</exception>
    public static T Result<T>(Operation operation, string what) => operation.State == OperationStates.Completed
        ? operation.Result!.Value.Deserialize<T>(WireJson.Lenient)!
        : throw new CliException(operation.Error is { } error && operation.State == OperationStates.Failed ? error.Message : $"the {what} is {operation.State}");

    private static Argument<Guid> Id() => UniqueId.Argument("ID", "The import's id, see `mahavishnu import list`");

    private static void Write(ImportUndone undone, Terminal terminal)
    {
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{undone.Removed:N0} memories and {undone.ObjectsRemoved:N0} other objects removed"));
        if (undone.Passed > 0)
        {
            terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{undone.Passed:N0} memories stay: another import brought them, too"));
        }

        if (undone.Kept > 0)
        {
            terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{undone.Kept:N0} memories stay: they were changed since ({string.Join(", ", undone.KeptMemories)})"));
        }
    }
}
