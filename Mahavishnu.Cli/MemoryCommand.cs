using System.CommandLine;
using System.Globalization;
using Mahavishnu.Contracts;
using Spectre.Console;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu memory …</c>: the life of one memory, from what it was to its end.</summary>
internal static class MemoryCommand
{
    private const int MostListed = 10_000;
    private const int UsualHistory = 50;
    private const int ContentLength = 100;

    public static Command Create(GlobalOptions options, Terminal terminal)
    {
        var verbs = new ServiceVerbs(options, terminal);
        return new Command("memory", "One memory: read it, what it was, bring it back, put another in its place, remove it for good")
        {
            Show(verbs), History(verbs), Delete(verbs), Restore(verbs), Supersede(verbs), Unsupersede(verbs), Erase(verbs),
        };
    }

    private static Command Show(ServiceVerbs verbs)
    {
        var id = Id();
        var asOf = IsoTime.Option("--as-of", "As it was then, such as 2026-01-31T12:00Z");
        return verbs.On(
            new Command("show", "Print a memory") { id, asOf },
            async (call, ct) =>
            {
                var memories = new MemoriesClient(call.Http);
                var memory = call.Parsed.GetValue(asOf) is { } time
                    ? await memories.GetAsOfAsync(call.Parsed.GetValue(id), time, ct)
                    : await memories.GetAsync(call.Parsed.GetValue(id), ct);
                call.Answer(memory, () => Write(memory, call.Terminal.Screen));
                return ExitCode.Done;
            });
    }

    private static Command History(ServiceVerbs verbs)
    {
        var id = Id();
        var limit = WholeNumber.Option("--limit", 1, MostListed, $"Most changes; default {UsualHistory.ToString(CultureInfo.InvariantCulture)}");
        return verbs.On(
            new Command("history", "List what a memory was before each change, the latest change first") { id, limit },
            async (call, ct) =>
            {
                var most = call.Parsed.GetValue(limit) ?? UsualHistory;
                var versions = await Paging.AllAsync(
                    cursor => new MemoriesClient(call.Http).HistoryAsync(call.Parsed.GetValue(id), Math.Min(most, MemoryLimits.ListLimit), cursor, ct), most);
                call.Answer(new Page<MemoryVersion>(versions, null), () => Write(versions, call.Terminal));
                return ExitCode.Done;
            });
    }

    private static Command Delete(ServiceVerbs verbs)
    {
        var id = Id();
        return verbs.On(new Command("delete", "Hide a memory; it can be restored") { id }, async (call, ct) =>
        {
            var memory = call.Parsed.GetValue(id);
            await new MemoriesClient(call.Http).DeleteAsync(memory, ct);
            call.Answer(new { id = memory, done = "delete" }, () => call.Terminal.Say($"deleted; `mahavishnu memory restore {memory}` brings it back"));
            return ExitCode.Done;
        });
    }

    private static Command Restore(ServiceVerbs verbs)
    {
        var id = Id();
        return verbs.On(new Command("restore", "Bring a deleted memory back") { id }, async (call, ct) =>
        {
            var memory = await new MemoriesClient(call.Http).RestoreAsync(call.Parsed.GetValue(id), ct);
            call.Answer(memory, () => call.Terminal.Say(string.Create(CultureInfo.InvariantCulture, $"there again, at version {memory.Version}")));
            return ExitCode.Done;
        });
    }

    private static Command Supersede(ServiceVerbs verbs)
    {
        var id = Id();
        var by = UniqueId.Argument("BY", "Id of the memory that takes its place");
        return verbs.On(new Command("supersede", "Put another memory in the place of one, which leaves lists and searches") { id, by }, async (call, ct) =>
        {
            var memory = await new MemoriesClient(call.Http).SupersedeAsync(call.Parsed.GetValue(id), call.Parsed.GetValue(by), ct);
            call.Answer(memory, () => call.Terminal.Say($"superseded by {memory.SupersededBy}; `mahavishnu memory unsupersede {memory.Id}` takes it back"));
            return ExitCode.Done;
        });
    }

    private static Command Unsupersede(ServiceVerbs verbs)
    {
        var id = Id();
        return verbs.On(new Command("unsupersede", "Take a superseding back") { id }, async (call, ct) =>
        {
            var memory = await new MemoriesClient(call.Http).UnsupersedeAsync(call.Parsed.GetValue(id), ct);
            call.Answer(memory, () => call.Terminal.Say("valid again"));
            return ExitCode.Done;
        });
    }

    private static Command Erase(ServiceVerbs verbs)
    {
        var id = Id();
        var yes = new Option<bool>("--yes") { Description = "Really; nothing brings it back" };
        var command = new Command("erase", "Remove a memory for good, with its history, vectors and all that points to it") { id, yes };
        command.Validators.Add(result =>
        {
            if (!result.GetValue(yes))
            {
                result.AddError("Nothing brings an erased memory back: say --yes.");
            }
        });
        return verbs.On(command, async (call, ct) =>
        {
            var memory = call.Parsed.GetValue(id);
            await new MemoriesClient(call.Http).EraseAsync(memory, ct);
            call.Answer(new { id = memory, done = "erase" }, () => call.Terminal.Say("erased"));
            return ExitCode.Done;
        });
    }

    private static Argument<Guid> Id() => UniqueId.Argument("ID", "The memory's id, such as a hit of `mahavishnu search --json` has it");

    private static void Write(Memory memory, IAnsiConsole screen)
    {
        (string Name, string? Value)[] lines =
        [
            ("id", memory.Id.ToString()), ("type", memory.Type), ("source", memory.Source), ("title", memory.Title), ("project", memory.ProjectId), ("agent", memory.AgentId),
            ("session", memory.SessionId), ("repository", memory.RepoId), ("tags", memory.Tags.Count == 0 ? null : string.Join(", ", memory.Tags)),
            ("happened", WireTime.Format(memory.OccurredAt)), ("stored", WireTime.Format(memory.CreatedAt)), ("version", memory.Version.ToString(CultureInfo.InvariantCulture)),
            ("superseded", memory.SupersededBy is { } by ? $"by {by}{(memory.SupersededAt is { } at ? $" at {WireTime.Format(at)}" : "")}" : null), ("embedding", memory.Embedding),
        ];
        foreach (var (name, value) in lines.Where(l => l.Value is not null))
        {
            screen.Write(new Text($"{name,-12}", new Style(decoration: Decoration.Dim)));
            screen.Write(new Text($"{value}\n"));
        }

        screen.Write(new Text($"\n{memory.Content}\n"));
    }

    private static void Write(IReadOnlyList<MemoryVersion> versions, Terminal terminal)
    {
        if (versions.Count == 0)
        {
            terminal.Say("it was never changed");
            return;
        }

        terminal.Table(["version", "until", "then came", "content"], versions.Select(v => new[]
        {
            v.Version.ToString(CultureInfo.InvariantCulture), WireTime.Format(v.ChangedAt), v.Change, EmbeddingView.Cut(v.Memory.Content, ContentLength),
        }));
    }
}
