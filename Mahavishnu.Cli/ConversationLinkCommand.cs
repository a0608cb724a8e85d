using System.CommandLine;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu conversation link …</c>.</summary>
internal static class ConversationLinkCommand
{
    public static Command Create(ServiceVerbs verbs) => new("link", "Which sessions belong together") { List(verbs), Add(verbs), Remove(verbs) };

    private static Command List(ServiceVerbs verbs)
    {
        var session = new Option<string?>("--session") { Description = "Only those of this session, at either end", HelpName = "S" };
        var kind = new Option<string?>("--kind") { Description = "Only those of this kind", HelpName = "K" };
        var limit = ProjectCommand.Limit();
        return verbs.On(
            new Command("list", "List links of sessions") { session, kind, limit },
            async (call, ct) =>
            {
                var all = await ProjectCommand.AllAsync(call, limit, (most, cursor) => new ProjectsClient(call.Http).ListSessionLinksAsync(
                    call.Parsed.GetValue(session), call.Parsed.GetValue(kind), most, cursor, ct));
                call.Answer(new Page<SessionLink>(all, null), () => Write(all, call.Terminal));
                return ExitCode.Done;
            });
    }

    private static Command Add(ServiceVerbs verbs)
    {
        var source = new Argument<string>("SOURCE") { Description = "The session that the link leads from, such as the later one" };
        var target = new Argument<string>("TARGET") { Description = "The session that it leads to" };
        var kind = new Option<string?>("--kind") { Description = $"{string.Join(", ", SessionLinkKinds.All)}, or any other word; default related", HelpName = "K" };
        var context = new Option<string?>("--context") { Description = "Why they belong together", HelpName = "TEXT" };
        return verbs.On(
            new Command("add", "Say that two sessions belong together; they need not be there yet") { source, target, kind, context },
            async (call, ct) =>
            {
                var link = await new ProjectsClient(call.Http).LinkSessionsAsync(
                    new NewSessionLink
                    {
                        Source = call.Parsed.GetValue(source),
                        Target = call.Parsed.GetValue(target),
                        Kind = call.Parsed.GetValue(kind),
                        Context = call.Parsed.GetValue(context),
                    },
                    ct);
                call.Answer(link, () => Write([link], call.Terminal));
                return ExitCode.Done;
            });
    }

    private static Command Remove(ServiceVerbs verbs)
    {
        var id = new Argument<string>("ID") { Description = "The link's id, see `mahavishnu conversation link list`" };
        return verbs.On(
            new Command("remove", "Remove a link; the sessions stay") { id },
            async (call, ct) =>
            {
                await new ProjectsClient(call.Http).DeleteSessionLinkAsync(call.Parsed.GetRequiredValue(id), ct);
                return ExitCode.Done;
            });
    }

    private static void Write(IReadOnlyList<SessionLink> links, Terminal terminal) =>
        terminal.Table(["id", "source", "kind", "target", "why"], links.Select(l => new[] { l.Id, l.Source, l.Kind, l.Target, EmbeddingView.Cut(l.Context) }));
}
