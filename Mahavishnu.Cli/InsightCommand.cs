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
            List(verbs), Add(verbs), Extract(verbs), Status(verbs),
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
        var extractor = new Option<string?>("--extractor") { Description = "Only those that were taken by their marks (marker) or read by a language model (llm)", HelpName = "E" };
        extractor.AcceptOnly(InsightExtractors.All);
        var limit = WholeNumber.Option("--limit", 1, MostListed, $"Most insights; default {UsualList.ToString(CultureInfo.InvariantCulture)}");
        return verbs.On(
            new Command("list", "List insights, the newest first") { project, session, source, type, extracted, extractor, limit },
            async (call, ct) =>
            {
                var most = call.Parsed.GetValue(limit) ?? UsualList;
                var items = await Paging.AllAsync(
                    cursor => new InsightsClient(call.Http).ListAsync(
                        [
                            new("projectId", call.Parsed.GetValue(project)), new("sessionId", call.Parsed.GetValue(session)), new("source", call.Parsed.GetValue(source)),
                            new("insightType", call.Parsed.GetValue(type)), new("extracted", call.Parsed.GetValue(extracted) ? "true" : null), new("extractor", call.Parsed.GetValue(extractor)),
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
        var model = new Option<bool>("--model") { Description = "Also have the language model read, in the background, what it has not read yet" };
        var dryRun = new Option<bool>("--dry-run") { Description = "Count, and store nothing" };
        return verbs.On(
            new Command("extract", "Look once more through what assistants said") { session, project, imported, model, dryRun },
            async (call, ct) =>
            {
                var operation = await new InsightsClient(call.Http).ExtractAsync(
                    new ExtractInsightsRequest
                    {
                        SessionId = call.Parsed.GetValue(session),
                        ProjectId = call.Parsed.GetValue(project),
                        IncludeImported = call.Parsed.GetValue(imported) ? true : null,
                        UseModel = call.Parsed.GetValue(model) ? true : null,
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

    private static Command Status(ServiceVerbs verbs) => verbs.On(
        new Command("status", "Say what waits to be looked through for insights, and what a language model could not read"),
        async (call, ct) =>
        {
            var status = await new InsightsClient(call.Http).StatusAsync(ct);
            call.Answer(status, () => Write(status, call.Terminal));
            return ExitCode.Done;
        });

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

    private static void Write(InsightStatus status, Terminal terminal)
    {
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"marked blocks: {status.Waiting:N0} writes wait"));
        var model = status.Model;
        terminal.Out.WriteLine(model is { Name: null, Waiting: 0, GivenUp: 0 }
            ? "language model: none (Insights:Model:Name)"
            : string.Create(CultureInfo.InvariantCulture, $"language model: {model.Name ?? "none"}; {model.Waiting:N0} messages wait, {model.GivenUp:N0} given up"));
        if (model.Reasons.Count > 0)
        {
            terminal.Table(["reason", "wait", "given up", "for example"], model.Reasons.Select(r => new[]
            {
                r.Reason, EmbeddingView.Number(r.Waiting), EmbeddingView.Number(r.GivenUp), EmbeddingView.Cut(r.Example, ContentLength),
            }));
        }
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
        if (result.ForModel is { } forModel)
        {
            terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{forModel:N0} messages {(result.DryRun ? "would wait" : "wait")} for the language model (`mahavishnu insight status`)"));
        }
    }
}
