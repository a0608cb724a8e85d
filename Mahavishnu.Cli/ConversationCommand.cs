using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Mahavishnu.Contracts;
using Spectre.Console;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu conversation …</c>: what was said in a session, from an agent's hook or for a person to read.</summary>
internal static class ConversationCommand
{
    private const int OpeningLength = 80;
    private const int UsualList = 50;
    private const int MostListed = 10_000;
    private const int MostAtOnce = 4 * 1024 * 1024;

    public static Command Create(GlobalOptions options, Terminal terminal)
    {
        var verbs = new ServiceVerbs(options, terminal);
        return new Command("conversation", "Conversations of agents: read, add to, list, link, delete and restore them")
        {
            Show(verbs), List(verbs), Add(verbs),
            Whole(verbs, "delete", "Delete a conversation as a whole; it can be restored", async (conversations, session, ct) =>
            {
                await conversations.DeleteAsync(session, ct);
                return $"deleted; `mahavishnu conversation restore {session}` brings it back";
            }),
            Whole(verbs, "restore", "Bring a deleted conversation back", async (conversations, session, ct) =>
                $"{EmbeddingView.Number((await conversations.RestoreAsync(session, ct)).Messages)} turns are there again"),
            ConversationLinkCommand.Create(verbs),
        };
    }

    private static Command Show(ServiceVerbs verbs)
    {
        var session = Session();
        var role = new Option<string?>("--role") { Description = "Only what these said: system, user, assistant or tool", HelpName = "R" };
        role.AcceptOnly(ConversationRoles.All);
        var last = WholeNumber.Option("--last", 1, MostListed, "Only the last turns");
        var around = UniqueId.Option("--around", "Only the turns around this memory, such as a hit of a search");
        var command = new Command("show", "Print the turns of a conversation in order") { session, role, last, around };
        command.Validators.Add(result =>
        {
            if (result.GetResult(around) is not null && (result.GetResult(role) is not null || result.GetResult(last) is not null))
            {
                result.AddError("--around goes without --role and --last.");
            }
        });
        return verbs.On(command, async (call, ct) =>
        {
            var (conversations, name, most) = (new ConversationsClient(call.Http), call.Parsed.GetRequiredValue(session), call.Parsed.GetValue(last));
            var turns = call.Parsed.GetValue(around) is { } memory
                ? (await conversations.AroundAsync(name, memory, ct: ct)).Items
                : await Paging.AllAsync(
                    cursor => conversations.MessagesAsync(
                        name,
                        [new("role", call.Parsed.GetValue(role)), new("order", most is null ? null : "desc"), new("limit", Limit(most)), new("cursor", cursor)],
                        ct),
                    most ?? int.MaxValue);
            var inOrder = turns.OrderBy(t => t.Ordinal).ToList();
            call.Answer(new Page<ConversationMessage>(inOrder, null), () => Write(inOrder, call.Terminal.Screen));
            return ExitCode.Done;
        });
    }

    private static Command List(ServiceVerbs verbs)
    {
        var project = new Option<string?>("--project") { Description = "Only those of this project", HelpName = "P" };
        var agent = new Option<string?>("--agent") { Description = "Only those that this agent took part in", HelpName = "A" };
        var after = new Option<string?>("--after") { Description = "Only where something was said at that time or later, such as 2026-01-31", HelpName = "T" };
        var before = new Option<string?>("--before") { Description = "Only where something was said before that time", HelpName = "T" };
        var limit = WholeNumber.Option("--limit", 1, MostListed, $"Most conversations; default {UsualList.ToString(CultureInfo.InvariantCulture)}");
        return verbs.On(
            new Command("list", "List conversations, the latest first") { project, agent, after, before, limit },
            async (call, ct) =>
            {
                var most = call.Parsed.GetValue(limit) ?? UsualList;
                var items = await Paging.AllAsync(
                    cursor => new ConversationsClient(call.Http).ListAsync(
                        [
                            new("projectId", call.Parsed.GetValue(project)), new("agentId", call.Parsed.GetValue(agent)),
                            new("after", call.Parsed.GetValue(after)), new("before", call.Parsed.GetValue(before)), new("limit", Limit(most)), new("cursor", cursor),
                        ],
                        ct),
                    most);
                call.Answer(new Page<Conversation>(items, null), () => Write(items, call.Terminal));
                return ExitCode.Done;
            });
    }

    private static Command Add(ServiceVerbs verbs)
    {
        var session = Session();
        var agent = new Option<string?>("--agent") { Description = "The agent that takes part", HelpName = "A" };
        var project = new Option<string?>("--project") { Description = "The project it is about", HelpName = "P" };
        var source = new Option<string?>("--source") { Description = "The system it comes from; default mahavishnu", HelpName = "S" };
        return verbs.On(
            new Command("add", "Add turns from standard input, a JSON document a line: {\"role\":\"user\",\"content\":\"…\",\"clientId\":\"…\"}") { session, agent, project, source },
            async (call, ct) =>
            {
                var messages = await ReadAsync(call.Terminal.In, ct);
                var conversations = new ConversationsClient(call.Http);
                var results = new List<MessageResult>();
                foreach (var chunk in Chunks(messages))
                {
                    var added = await conversations.AddAsync(
                        call.Parsed.GetRequiredValue(session), chunk, call.Parsed.GetValue(agent), call.Parsed.GetValue(project), call.Parsed.GetValue(source), ct);
                    var before = results.Count;
                    results.AddRange(added.Messages.Select(m => m with { Index = before + m.Index }));
                }

                int Of(string status) => results.Count(r => r.Status == status);
                var all = new MessagesAdded(call.Parsed.GetRequiredValue(session), results, new MessageCounts(Of("created"), Of("duplicate"), Of("error")));
                call.Answer(all, () => Write(all, call.Terminal));
                return all.Counts.Error == 0 ? ExitCode.Done : ExitCode.Failed;
            });
    }

    private static Command Whole(ServiceVerbs verbs, string name, string description, Func<ConversationsClient, string, CancellationToken, Task<string>> act)
    {
        var session = Session();
        return verbs.On(new Command(name, description) { session }, async (call, ct) =>
        {
            var said = await act(new ConversationsClient(call.Http), call.Parsed.GetRequiredValue(session), ct);
            call.Answer(new { sessionId = call.Parsed.GetValue(session), done = name }, () => call.Terminal.Say(said));
            return ExitCode.Done;
        });
    }

    private static Argument<string> Session() => new("SESSION") { Description = "The session's name, see `mahavishnu conversation list`" };

    private static string Limit(int? most) => Math.Min(most ?? MemoryLimits.ListLimit, MemoryLimits.ListLimit).ToString(CultureInfo.InvariantCulture);

    private static async Task<List<NewMessage>> ReadAsync(TextReader input, CancellationToken ct)
    {
        var messages = new List<NewMessage>();
        for (var number = 1; await input.ReadLineAsync(ct) is { } line; number++)
        {
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            try
            {
                messages.Add(JsonSerializer.Deserialize<NewMessage>(line, WireJson.Strict) ?? throw new JsonException("The value must be an object."));
            }
            catch (JsonException e)
            {
                throw new CliException(string.Create(CultureInfo.InvariantCulture, $"line {number} of the input is no message, and nothing was added: {e.Message}"));
            }
        }

        return messages.Count > 0 ? messages : throw new CliException("the input has no message: a JSON document a line is expected, such as {\"role\":\"user\",\"content\":\"Hello\"}");
    }

    /// <summary>As many at once as a request may have, by count and by size.</summary>
    private static IEnumerable<List<NewMessage>> Chunks(List<NewMessage> messages)
    {
        var chunk = new List<NewMessage>();
        var length = 0;
        foreach (var message in messages)
        {
            if (chunk.Count == ConversationLimits.Messages || chunk.Count > 0 && length > MostAtOnce)
            {
                yield return chunk;
                (chunk, length) = ([], 0);
            }

            chunk.Add(message);
            length += message.Content?.Length ?? 0;
        }

        yield return chunk;
    }

    private static void Write(List<ConversationMessage> turns, IAnsiConsole screen)
    {
        foreach (var turn in turns)
        {
            screen.Write(new Text(string.Create(CultureInfo.InvariantCulture, $"{turn.Ordinal,4}  {turn.Role}"), new Style(decoration: Decoration.Bold)));
            screen.Write(new Text($"  {WireTime.Format(turn.OccurredAt)}  {turn.Id}\n", new Style(decoration: Decoration.Dim)));
            screen.Write(new Text(string.Concat(turn.Content.Split('\n').Select(line => $"      {line.TrimEnd()}\n"))));
        }
    }

    private static void Write(IReadOnlyList<Conversation> conversations, Terminal terminal)
    {
        if (conversations.Count == 0)
        {
            terminal.Say("there is no such conversation");
            return;
        }

        terminal.Table(["session", "turns", "last", "agents", "projects", "began with"], conversations.Select(c => new[]
        {
            c.SessionId, EmbeddingView.Number(c.Messages), WireTime.Format(c.LastAt), string.Join(", ", c.AgentIds), string.Join(", ", c.ProjectIds),
            c.Opening is null ? "" : EmbeddingView.Cut(c.Opening, OpeningLength),
        }));
    }

    private static void Write(MessagesAdded added, Terminal terminal)
    {
        foreach (var refused in added.Messages.Where(m => m.Error is not null))
        {
            terminal.Say(string.Create(CultureInfo.InvariantCulture, $"message {refused.Index + 1}: {(refused.Error!.Field is { } field ? field + ": " : "")}{refused.Error.Message}"));
        }

        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{added.Counts.Created:N0} added, {added.Counts.Duplicate:N0} were there, {added.Counts.Error:N0} refused"));
    }
}
