using System.CommandLine;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu insight share|withdraw|shares</c>.</summary>
internal static class InsightShareVerbs
{
    public static IEnumerable<Command> Create(ServiceVerbs verbs) => [Share(verbs), Withdraw(verbs), Shares(verbs)];

    private static Command Share(ServiceVerbs verbs)
    {
        var id = Id();
        var projects = new Option<string[]>("--project") { Description = "With this project; may be repeated", HelpName = "P" };
        var groups = new Option<string[]>("--group") { Description = "With the members of this group, later ones too; may be repeated", HelpName = "G" };
        var reason = new Option<string?>("--reason") { Description = "Why", HelpName = "TEXT" };
        var by = By("Who shares it");
        return verbs.On(
            new Command("share", "Give an insight to other projects") { id, projects, groups, reason, by },
            async (call, ct) =>
            {
                var shares = await new InsightSharesClient(call.Http).ShareAsync(
                    call.Parsed.GetValue(id),
                    new ShareInsightRequest
                    {
                        Projects = call.Parsed.GetValue(projects),
                        Groups = call.Parsed.GetValue(groups),
                        By = call.Parsed.GetValue(by),
                        Reason = call.Parsed.GetValue(reason),
                    },
                    ct);
                call.Answer(shares, () => Write(shares.Items, call.Terminal));
                return ExitCode.Done;
            });
    }

    private static Command Withdraw(ServiceVerbs verbs)
    {
        var id = Id();
        var share = UniqueId.Argument("SHARE", "The share's id, see `mahavishnu insight shares`");
        var by = By("Who takes it back");
        return verbs.On(
            new Command("withdraw", "Take a share back; that it was there stays known") { id, share, by },
            async (call, ct) =>
            {
                await new InsightSharesClient(call.Http).WithdrawAsync(call.Parsed.GetValue(id), call.Parsed.GetValue(share), call.Parsed.GetValue(by), ct);
                return ExitCode.Done;
            });
    }

    private static Command Shares(ServiceVerbs verbs)
    {
        var id = Id();
        return verbs.On(
            new Command("shares", "Say who has an insight, and who had it") { id },
            async (call, ct) =>
            {
                var shares = await new InsightSharesClient(call.Http).ListAsync(call.Parsed.GetValue(id), ct);
                call.Answer(shares, () => Write(shares.Items, call.Terminal));
                return ExitCode.Done;
            });
    }

    private static Argument<Guid> Id() => UniqueId.Argument("ID", "The insight's id");

    private static Option<string?> By(string what) => new("--by") { Description = what, HelpName = "NAME" };

    private static void Write(IReadOnlyList<InsightShare> shares, Terminal terminal)
    {
        if (shares.Count == 0)
        {
            terminal.Say("it was never shared");
            return;
        }

        terminal.Table(["share", "with", "by", "since", "withdrawn", "why"], shares.Select(s => new[]
        {
            s.Id.ToString(), s.ProjectId ?? $"group {s.GroupId}", s.By ?? "", WireTime.Format(s.SharedAt), s.WithdrawnAt is { } at ? $"{WireTime.Format(at)} {s.WithdrawnBy}".TrimEnd() : "",
            EmbeddingView.Cut(s.Reason ?? ""),
        }));
    }
}
