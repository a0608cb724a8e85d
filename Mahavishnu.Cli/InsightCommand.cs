using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu insight …</c>: what was learned, by hand or out of what assistants said.</summary>
internal static class InsightCommand
{
    private const int UsualList = 50;
    private const int MostListed = 10_000;
    private const int ContentLength = 80;

    public static Command Create(GlobalOptions options, Terminal terminal)
    {
        var verbs = new ServiceVerbs(options, terminal);
        var command = new Command("insight", "Insights: list them with how much they are used, add one, look for more in what was said, share them")
        {
            List(verbs), Add(verbs), Extract(verbs),
        };
        foreach (var verb in InsightShareVerbs.Create(verbs))
        {
            command.Add(verb);
        }

        return command;
    }

    private static Command List(ServiceVerbs verbs)
    {
        var project = new Option<string?>("--project") { Description = "Only those of this project", HelpName = "P" };
        var session = new Option<string?>("--session") { Description = "Only those of this session", HelpName = "S" };
        var source = new Option<string?>("--source") { Description = "Only those from this system", HelpName = "S" };
        var type = Type();
        var extracted = new Option<bool>("--extracted") { Description = "Only those that were taken from messages" };
        var limit = WholeNumber.Option("--limit", 1, MostListed, $"Most insights; default {UsualList.ToString(CultureInfo.InvariantCulture)}");
        return verbs.On(
            new Command("list", "List insights, the newest first") { project, session, source, type, extracted, limit },
            async (call, ct) =>
            {
                var most = call.Parsed.GetValue(limit) ?? UsualList;
                var items = await Paging.AllAsync(
                    cursor => new InsightsClient(call.Http).ListAsync(
                        [
                            new("projectId", call.Parsed.GetValue(project)), new("sessionId", call.Parsed.GetValue(session)), new("source", call.Parsed.GetValue(source)),
                            new("insightType", call.Parsed.GetValue(type)), new("extracted", call.Parsed.GetValue(extracted) ? "true" : null),
                            new("limit", Math.Min(most, InsightLimits.ListLimit).ToString(CultureInfo.InvariantCulture)), new("cursor", cursor),
                        ],
                        ct),
                    most);
                call.Answer(new Page<Insight>(items, null), () => Write(items, call.Terminal));
                return ExitCode.Done;
            });
    }

    private static Command Add(ServiceVerbs verbs)
    {
        var text = new Argument<string[]>("TEXT") { Description = "What was learned; several words need no quotes", Arity = ArgumentArity.OneOrMore };
        var project = new Option<string?>("--project") { Description = "The project it is about", HelpName = "P" };
        var type = Type();
        var title = new Option<string?>("--title") { Description = "What it is called", HelpName = "T" };
        var supersedes = UniqueId.Option("--supersedes", "The memory whose place it takes");
        return verbs.On(
            new Command("add", "Store an insight") { text, project, type, title, supersedes },
            async (call, ct) =>
            {
                var insight = await new InsightsClient(call.Http).AddAsync(
                    new NewInsight
                    {
                        Content = string.Join(' ', call.Parsed.GetRequiredValue(text)),
                        ProjectId = call.Parsed.GetValue(project),
                        InsightType = call.Parsed.GetValue(type),
                        Title = call.Parsed.GetValue(title),
                        Supersedes = call.Parsed.GetValue(supersedes)?.ToString(),
                    },
                    ct);
                call.Answer(insight, () => call.Terminal.Out.WriteLine(insight.Duplicate == true ? $"{insight.Id} says so already" : $"{insight.Id} ({insight.InsightType})"));
                return ExitCode.Done;
            });
    }

    private static Command Extract(ServiceVerbs verbs)
    {
        var session = new Option<string?>("--session") { Description = "Only this conversation", HelpName = "S" };
        var project = new Option<string?>("--project") { Description = "Only messages of this project", HelpName = "P" };
        var imported = new Option<bool>("--imported") { Description = "Also imported texts" };
        var dryRun = new Option<bool>("--dry-run") { Description = "Count, and store nothing" };
        return verbs.On(
            new Command("extract", "Look once more through what assistants said") { session, project, imported, dryRun },
            async (call, ct) =>
            {
                var operation = await new InsightsClient(call.Http).ExtractAsync(
                    new ExtractInsightsRequest
                    {
                        SessionId = call.Parsed.GetValue(session),
                        ProjectId = call.Parsed.GetValue(project),
                        IncludeImported = call.Parsed.GetValue(imported) ? true : null,
                        DryRun = call.Parsed.GetValue(dryRun) ? true : null,
                    },
                    ct);
                await foreach (var state in new OperationsClient(call.Http).WatchAsync(operation.Id, ct))
                {
                    operation = state;
                }

                call.Answer(operation, () => Write(operation, call.Terminal));
                return operation.State == OperationStates.Completed ? ExitCode.Done : ExitCode.Failed;
            });
    }

    private static Option<string?> Type()
    {
        var type = new Option<string?>("--type") { Description = $"One of {string.Join(", ", InsightTypes.All)}", HelpName = "T" };
        type.AcceptOnly(InsightTypes.All);
        return type;
    }

    private static void Write(IReadOnlyList<Insight> insights, Terminal terminal)
    {
        if (insights.Count == 0)
        {
            terminal.Say("there is no such insight");
            return;
        }

        terminal.Table(["id", "type", "quality", "found", "read", "project", "insight"], insights.Select(i => new[]
        {
            i.Id.ToString(), i.InsightType ?? "", i.Quality?.ToString("0.00", CultureInfo.InvariantCulture) ?? "", EmbeddingView.Number(i.Usage.Found + i.Usage.Imported),
            EmbeddingView.Number(i.Usage.Read), i.ProjectId ?? "", EmbeddingView.Cut(i.Title ?? i.Content, ContentLength),
        }));
    }

    private static void Write(Operation operation, Terminal terminal)
    {
        if (operation.Result?.Deserialize<ExtractionResult>(WireJson.Lenient) is not { } result)
        {
            terminal.Say(operation.Error?.Message ?? $"the sweep is {operation.State}");
            return;
        }

        terminal.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{result.Created:N0} {(result.DryRun ? "would be new" : "new")} of {result.Blocks:N0} marked blocks in {result.Messages:N0} messages; {result.Known:N0} known, "
            + $"{result.RefusedByLength:N0} too short or too long, {result.RefusedByScore:N0} too unsure, {result.OverLimit:N0} over the session's limit"));
    }
}
