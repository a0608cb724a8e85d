using System.CommandLine;
using System.Globalization;
using Mahavishnu.Contracts;
using Spectre.Console;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu eval …</c>: questions that should find their memory, kept and asked again.</summary>
internal static class EvalCommand
{
    private const int MostResults = 100;
    private const int QueryLength = 100;
    private const string HowToPin = "`mahavishnu eval pin QUESTION MEMORY_ID` pins a question";

    public static Command Create(GlobalOptions options, Terminal terminal)
    {
        var verbs = new ServiceVerbs(options, terminal);
        return new Command("eval", "Questions that should find their memory: pin them, and ask them again") { Pin(verbs), List(verbs), Unpin(verbs), Run(verbs) };
    }

    private static Command Pin(ServiceVerbs verbs)
    {
        var question = new Argument<string>("QUESTION") { Description = "The question, in quotes" };
        var memory = UniqueId.Argument("MEMORY_ID", "The memory that it should find");
        var project = new Option<string?>("--project") { Description = "Asked within this project", HelpName = "P" };
        var repo = new Option<string?>("--repo") { Description = "Asked within this repository", HelpName = "R" };
        var types = new Option<string[]>("--type") { Description = "Asked among memories of this type; may be repeated", HelpName = "T" };
        types.AcceptOnly(MemoryTypes.All);
        var sources = new Option<string[]>("--source") { Description = "Asked among memories of this source; may be repeated", HelpName = "S" };
        return verbs.On(
            new Command("pin", "Keep a question and the memory that it should find") { question, memory, project, repo, types, sources },
            async (call, ct) =>
            {
                var pin = await new EvaluationsClient(call.Http).PinAsync(
                    new NewPinnedQuery
                    {
                        Query = call.Parsed.GetRequiredValue(question),
                        MemoryId = call.Parsed.GetValue(memory).ToString(),
                        ProjectId = call.Parsed.GetValue(project),
                        RepoId = call.Parsed.GetValue(repo),
                        Types = call.Parsed.GetValue(types) is { Length: > 0 } t ? t : null,
                        Sources = call.Parsed.GetValue(sources) is { Length: > 0 } s ? s : null,
                    },
                    ct);
                call.Answer(pin, () => call.Terminal.Say($"pinned as {pin.Id}: \"{EmbeddingView.Cut(pin.Query, QueryLength)}\" should find {pin.Title ?? pin.MemoryId.ToString()}"));
                return ExitCode.Done;
            });
    }

    private static Command List(ServiceVerbs verbs) => verbs.On(
        new Command("list", "List the pinned questions"),
        async (call, ct) =>
        {
            var page = await new EvaluationsClient(call.Http).ListAsync(ct);
            call.Answer(page, () =>
            {
                if (page.Items.Count == 0)
                {
                    call.Terminal.Say($"nothing is pinned; {HowToPin}");
                    return;
                }

                call.Terminal.Table(["id", "question", "memory", "title", "asked within"], page.Items.Select(p => new[]
                {
                    p.Id.ToString(), EmbeddingView.Cut(p.Query, QueryLength), p.MemoryId.ToString(), p.Title is null ? "(gone)" : EmbeddingView.Cut(p.Title, QueryLength), Scope(p.Scope),
                }));
            });
            return ExitCode.Done;
        });

    private static Command Unpin(ServiceVerbs verbs)
    {
        var id = UniqueId.Argument("ID", "The pin, as `eval list` has it");
        return verbs.On(
            new Command("unpin", "Forget a pinned question; its memory stays") { id },
            async (call, ct) =>
            {
                var pin = call.Parsed.GetValue(id);
                await new EvaluationsClient(call.Http).UnpinAsync(pin, ct);
                call.Answer(new { unpinned = pin }, () => call.Terminal.Say($"{pin} is no longer pinned"));
                return ExitCode.Done;
            });
    }

    private static Command Run(ServiceVerbs verbs)
    {
        var mode = new Option<string?>("--mode") { Description = "hybrid (default), vector or text", HelpName = "M" };
        mode.AcceptOnly(SearchModes.All);
        var k = WholeNumber.Option("-k", 1, MostResults, "How many results count; default 10");
        return verbs.On(
            new Command("run", "Ask all pinned questions, and say how many find their memory") { mode, k },
            async (call, ct) =>
            {
                var result = await new EvaluationsClient(call.Http).RunAsync(new RunEvaluationRequest { Mode = call.Parsed.GetValue(mode), K = call.Parsed.GetValue(k) }, ct);
                call.Answer(result, () => Write(result, call.Terminal));
                return ExitCode.Done;
            });
    }

    private static void Write(EvaluationResult result, Terminal terminal)
    {
        if (result.Gone > 0)
        {
            terminal.Say(string.Create(CultureInfo.InvariantCulture, $"not asked, because their memory is gone: {result.Gone:N0} (`mahavishnu eval list` says which)"));
        }

        if (result.Queries == 0)
        {
            terminal.Say($"nothing {(result.Gone > 0 ? "else " : "")}is pinned; {HowToPin}");
            return;
        }

        terminal.Table(["rank", "question", "memory", "pin"], result.Results.Select(r => new[]
        {
            r.Rank?.ToString(CultureInfo.InvariantCulture) ?? $"> {result.K.ToString(CultureInfo.InvariantCulture)}", EmbeddingView.Cut(r.Query, QueryLength), r.MemoryId.ToString(), r.PinId.ToString(),
        }));
        terminal.Screen.Write(new Text(string.Create(
            CultureInfo.InvariantCulture,
            $"{result.Queries:N0} questions, recall@{result.K} {EmbeddingView.Share(result.Recall)}, MRR {EmbeddingView.Share(result.Mrr)} ({result.Mode}{(result.Model is null ? "" : ", " + result.Model)})\n")));
        if (result.Degraded.Count > 0)
        {
            terminal.Say($"not everything could be searched: {string.Join(", ", result.Degraded)}");
        }
    }

    private static string Scope(QueryScope scope) => string.Join(", ",
    [
        .. scope.ProjectId is { } project ? [$"project {project}"] : Array.Empty<string>(),
        .. scope.RepoId is { } repo ? [$"repository {repo}"] : Array.Empty<string>(),
        .. scope.Types.Select(t => $"type {t}"),
        .. scope.Sources.Select(s => $"source {s}"),
    ]);
}
