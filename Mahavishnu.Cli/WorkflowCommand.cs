using System.CommandLine;
using System.Globalization;
using Mahavishnu.Contracts;
using Spectre.Console;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu workflow …</c>: what ran, and what it teaches about something like it.</summary>
internal static class WorkflowCommand
{
    private const int GoalLength = 80;
    private const int UsualList = 50;
    private const int MostListed = 10_000;

    public static Command Create(GlobalOptions options, Terminal terminal)
    {
        var verbs = new ServiceVerbs(options, terminal);
        return new Command("workflow", "Executions of workflows: list them, read one, recall how something like it went") { List(verbs), Show(verbs), Recall(verbs) };
    }

    private static Command List(ServiceVerbs verbs)
    {
        var workflow = new Option<string?>("--workflow") { Description = "Only those of this workflow", HelpName = "W" };
        var status = new Option<string?>("--status") { Description = "Only those that stand so: pending, running, completed, failed or cancelled", HelpName = "S" };
        status.AcceptOnly(WorkflowStatuses.All);
        var (adapter, project, repo) = Scope();
        var limit = WholeNumber.Option("--limit", 1, MostListed, $"Most executions; default {UsualList.ToString(CultureInfo.InvariantCulture)}");
        return verbs.On(
            new Command("list", "List executions, the newest first") { workflow, status, adapter, project, repo, limit },
            async (call, ct) =>
            {
                var most = call.Parsed.GetValue(limit) ?? UsualList;
                var items = await Paging.AllAsync(
                    cursor => new WorkflowsClient(call.Http).ListAsync(
                        [
                            new("workflowId", call.Parsed.GetValue(workflow)), new("status", call.Parsed.GetValue(status)), new("adapter", call.Parsed.GetValue(adapter)),
                            new("projectId", call.Parsed.GetValue(project)), new("repoId", call.Parsed.GetValue(repo)),
                            new("limit", Math.Min(most, MemoryLimits.ListLimit).ToString(CultureInfo.InvariantCulture)), new("cursor", cursor),
                        ],
                        ct),
                    most);
                call.Answer(new Page<WorkflowExecution>(items, null), () => Write(items, call.Terminal));
                return ExitCode.Done;
            });
    }

    private static Command Show(ServiceVerbs verbs)
    {
        var id = UniqueId.Argument("ID", "The execution's id, see `mahavishnu workflow list`");
        return verbs.On(
            new Command("show", "Print one execution") { id },
            async (call, ct) =>
            {
                var execution = await new WorkflowsClient(call.Http).GetAsync(call.Parsed.GetValue(id), ct);
                call.Answer(execution, () => Write(execution, call.Terminal.Screen));
                return ExitCode.Done;
            });
    }

    private static Command Recall(ServiceVerbs verbs)
    {
        var goal = new Argument<string[]>("GOAL") { Description = "What is to be done; several words need no quotes", Arity = ArgumentArity.OneOrMore };
        var (adapter, project, repo) = Scope();
        var limit = WholeNumber.Option("--limit", 1, WorkflowLimits.RecallGroups, $"Most groups; default {RecallRequest.UsualLimit.ToString(CultureInfo.InvariantCulture)}");
        return verbs.On(
            new Command("recall", "Say how something like it was done before, whether it worked, and what failed") { goal, adapter, project, repo, limit },
            async (call, ct) =>
            {
                var answer = await new WorkflowsClient(call.Http).RecallAsync(
                    new RecallRequest
                    {
                        Goal = string.Join(' ', call.Parsed.GetRequiredValue(goal)),
                        Adapter = call.Parsed.GetValue(adapter),
                        ProjectId = call.Parsed.GetValue(project),
                        RepoId = call.Parsed.GetValue(repo),
                        Limit = call.Parsed.GetValue(limit),
                    },
                    ct);
                call.Answer(answer, () => Write(answer, call.Terminal));
                return ExitCode.Done;
            });
    }

    private static (Option<string?> Adapter, Option<string?> Project, Option<string?> Repo) Scope() =>
        (new("--adapter") { Description = "Only those that this adapter ran, such as prefect", HelpName = "A" },
         new("--project") { Description = "Only those of this project", HelpName = "P" },
         new("--repo") { Description = "Only those on this repository", HelpName = "R" });

    private static void Write(IReadOnlyList<WorkflowExecution> executions, Terminal terminal)
    {
        if (executions.Count == 0)
        {
            terminal.Say("there is no such execution");
            return;
        }

        terminal.Table(["id", "workflow", "adapter", "status", "seconds", "started", "goal"], executions.Select(e => new[]
        {
            e.Id.ToString(), e.WorkflowId, e.Adapter, e.Status, Seconds(e.DurationSeconds), e.StartedAt is { } at ? WireTime.Format(at) : "", EmbeddingView.Cut(e.Goal, GoalLength),
        }));
    }

    private static void Write(WorkflowExecution e, IAnsiConsole screen)
    {
        foreach (var (name, value) in new[]
        {
            ("workflow", $"{e.WorkflowId} ({e.Adapter})"), ("status", e.Status), ("goal", e.Goal), ("repos", string.Join(", ", e.Repos)), ("project", e.ProjectId ?? ""),
            ("session", e.SessionId ?? ""), ("agent", e.AgentId ?? ""), ("tags", string.Join(", ", e.Tags)), ("started", e.StartedAt is { } start ? WireTime.Format(start) : ""),
            ("finished", e.FinishedAt is { } end ? WireTime.Format(end) : ""), ("seconds", Seconds(e.DurationSeconds)), ("error", e.Error ?? ""),
            ("input", e.Input?.GetRawText() ?? ""), ("result", e.Result?.GetRawText() ?? ""),
        })
        {
            if (value.Length > 0)
            {
                screen.Write(new Text($"{name,-9} {value}\n"));
            }
        }
    }

    private static void Write(RecallResponse answer, Terminal terminal)
    {
        if (answer.Groups.Count == 0)
        {
            terminal.Say("nothing like it was done before");
        }

        foreach (var (i, group) in answer.Groups.Index())
        {
            var similarity = group.Similarity is { } s ? string.Create(CultureInfo.InvariantCulture, $"  similarity {s:0.000}") : "";
            terminal.Screen.Write(new Text(string.Create(CultureInfo.InvariantCulture, $"{i + 1,2}. {EmbeddingView.Cut(group.Goal, GoalLength)}"), new Style(decoration: Decoration.Bold)));
            terminal.Screen.Write(new Text($"  {group.WorkflowId}{similarity}\n", new Style(decoration: Decoration.Dim)));
            var rate = group.SuccessRate is { } r ? $"{EmbeddingView.Share(r)} of those that ended by themselves succeeded" : "none has ended by itself";
            var median = group.MedianSeconds is { } m ? $", in {Seconds(m)} s in the middle" : "";
            terminal.Screen.Write(new Text(string.Create(
                CultureInfo.InvariantCulture,
                $"    {group.Runs:N0} runs: {group.Completed:N0} completed, {group.Failed:N0} failed, {group.Cancelled:N0} cancelled, {group.Running:N0} not over; {rate}{median}; last {WireTime.Format(group.LastRunAt)}\n")));
            foreach (var failure in group.LastFailures)
            {
                terminal.Screen.Write(new Text($"    failed {(failure.FinishedAt is { } at ? WireTime.Format(at) : "")} {failure.Id}: {EmbeddingView.Cut(failure.Error ?? "")}\n"));
            }

            if (group.LastSuccess is { } success)
            {
                terminal.Screen.Write(new Text($"    worked {(success.FinishedAt is { } at ? WireTime.Format(at) : "")} {success.Id}\n"));
            }
        }

        if (answer.Degraded.Count > 0)
        {
            terminal.Say($"not everything could be searched: {string.Join(", ", answer.Degraded)}");
        }
    }

    private static string Seconds(double? seconds) => seconds?.ToString("0.#", CultureInfo.InvariantCulture) ?? "";
}
