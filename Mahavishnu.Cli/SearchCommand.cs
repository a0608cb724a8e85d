using System.CommandLine;
using System.Globalization;
using Mahavishnu.Contracts;
using Spectre.Console;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu search QUESTION</c>.</summary>
internal static class SearchCommand
{
    private const int PreviewLines = 3;
    private const int PreviewWidth = 160;

    public static Command Create(GlobalOptions options, Terminal terminal)
    {
        var question = new Argument<string[]>("QUESTION") { Description = "What you want to know; several words need no quotes. '\"in quotes\"' must stand in the text as it is; -word must not be there (put -- before the question then)", Arity = ArgumentArity.OneOrMore };
        var mode = new Option<string?>("--mode") { Description = "hybrid (default), vector or text", HelpName = "M" };
        mode.AcceptOnly(SearchModes.All);
        var types = new Option<string[]>("--type") { Description = "Only memories of this type; may be repeated", HelpName = "T" };
        types.AcceptOnly(MemoryTypes.All);
        var sources = new Option<string[]>("--source") { Description = "Only memories of this source; may be repeated", HelpName = "S" };
        var project = new Option<string?>("--project") { Description = "Only this project", HelpName = "P" };
        var across = new Option<bool>("--across") { Description = "With --project: also what it depends on and what depends on it, its groups, and what was shared with it" };
        var hops = WholeNumber.Option("--hops", 1, ProjectSearchRequest.MostHops, "With --across: how far dependencies are followed; default 1");
        var session = new Option<string?>("--session") { Description = "Only what was said in this session", HelpName = "S" };
        var repo = new Option<string?>("--repo") { Description = "Only this repository", HelpName = "R" };
        var limit = WholeNumber.Option("--limit", 1, SearchRequest.MaxLimit, "Most hits; default 10");
        var asOf = IsoTime.Option("--as-of", "What was valid then, as it was then, such as 2026-01-31T12:00Z");
        var superseded = new Option<bool>("--include-superseded") { Description = "Also memories whose place another one has taken" };
        var halfLife = new Option<string?>("--half-life") { Description = "Recent memories first: one so old counts half, such as 30d, 12h or 1y", HelpName = "AGE" };
        var language = new Option<string?>("--language") { Description = "The language of the question's words, such as german; else those in use", HelpName = "L" };
        var explain = new Option<bool>("--explain") { Description = "Show each hit's rank and score in each arm" };

        var command = new Command("search", "Find memories by meaning and by words")
        {
            question, mode, types, sources, project, across, hops, session, repo, asOf, superseded, limit, halfLife, language, explain,
        };
        command.Validators.Add(parsed =>
        {
            if (parsed.GetValue(across) && parsed.GetValue(project) is null)
            {
                parsed.AddError("--across needs --project: the one that asks.");
            }
            else if (parsed.GetResult(hops) is not null && !parsed.GetValue(across))
            {
                parsed.AddError("--hops needs --across.");
            }
        });
        command.SetAction(async (parsed, ct) =>
        {
            var request = new SearchRequest
            {
                Query = string.Join(' ', parsed.GetRequiredValue(question)),
                Mode = parsed.GetValue(mode),
                Types = parsed.GetValue(types) is { Length: > 0 } t ? t : null,
                Sources = parsed.GetValue(sources) is { Length: > 0 } s ? s : null,
                ProjectId = parsed.GetValue(project),
                SessionId = parsed.GetValue(session),
                RepoId = parsed.GetValue(repo),
                AsOf = parsed.GetValue(asOf),
                IncludeSuperseded = parsed.GetValue(superseded) ? true : null,
                Limit = parsed.GetValue(limit),
                HalfLife = parsed.GetValue(halfLife),
                Language = parsed.GetValue(language),
                Explain = parsed.GetValue(explain) ? true : null,
            };
            await using var service = await ServiceConnection.OpenAsync(await ServiceConnection.FindAsync(options, parsed, ct), roots: [], terminal, ct);
            var client = new SearchClient(service.Http);
            var response = parsed.GetValue(across)
                ? await client.AcrossProjectsAsync(new ProjectSearchRequest(request) { Hops = parsed.GetValue(hops) }, ct)
                : await client.SearchAsync(request, ct);
            if (options.IsJson(parsed))
            {
                terminal.WriteJson(response);
            }
            else
            {
                Write(response, terminal);
            }

            return ExitCode.Done;
        });
        return command;
    }

    private static void Write(SearchResponse response, Terminal terminal)
    {
        foreach (var (i, hit) in response.Hits.Index())
        {
            WriteHit(terminal.Screen, i + 1, hit);
        }

        terminal.Say(string.Create(CultureInfo.InvariantCulture, $"{response.Hits.Count} hits in {response.TookMs:0.0} ms ({response.Mode}{(response.Model is null ? "" : ", " + response.Model)})"));
        if (response.Degraded.Count > 0)
        {
            terminal.Say($"not everything could be searched: {string.Join(", ", response.Degraded)}");
            if (response.Degraded.Contains(ErrorCodes.Degraded.EmbeddingUnavailable, StringComparer.Ordinal))
            {
                terminal.Say($"the embedding model{(response.Model is null ? "" : " " + response.Model)} does not answer: found by words only (`mahavishnu embeddings status` says more)");
            }
        }
    }

    /// <summary>Place, where it is from, score; then the beginning of what was found.</summary>
    internal static void WriteHit(IAnsiConsole screen, int place, SearchHit hit)
    {
        screen.Write(new Text(string.Create(CultureInfo.InvariantCulture, $"{place,2}. ")));
        screen.Write(new Text(Origin(hit), new Style(decoration: Decoration.Bold)));
        screen.Write(new Text(string.Create(CultureInfo.InvariantCulture, $"  {hit.Type}  {hit.Score:0.000}{(hit.Similarity is { } s ? $"  similarity {s:0.000}" : "")}\n"), new Style(decoration: Decoration.Dim)));
        if (hit.Scope is { } scope)
        {
            screen.Write(new Text(string.Create(CultureInfo.InvariantCulture, $"    {scope.Reason}{(scope.Via is null ? "" : $" ({scope.Via})")}: {hit.ProjectId}, weight {scope.Weight:0.##}\n"), new Style(decoration: Decoration.Dim)));
        }

        if (hit.SupersededBy is { } successor)
        {
            screen.Write(new Text($"    superseded by {successor}\n", new Style(decoration: Decoration.Dim)));
        }

        foreach (var line in hit.Content.Split('\n').Select(l => l.TrimEnd()).Where(l => l.Length > 0).Take(PreviewLines))
        {
            screen.Write(new Text($"    {(line.Length > PreviewWidth ? line[..PreviewWidth] + "…" : line)}\n"));
        }

        if (hit.Explain is { } why)
        {
            var vector = why.Vector is { } v ? string.Create(CultureInfo.InvariantCulture, $"vector #{v.Rank} {v.Similarity:0.000}") : "vector –";
            var text = why.Text is { } w ? string.Create(CultureInfo.InvariantCulture, $"text #{w.Rank} {w.Score:0.000}") : "text –";
            screen.Write(new Text(string.Create(CultureInfo.InvariantCulture, $"    {vector}, {text}, neighbour {why.Neighbour:0.000}, fused {why.Fused:0.000}{(why.Recency is { } age ? $", recency {age:0.000}" : "")}\n"), new Style(decoration: Decoration.Dim)));
            if (why.Text?.Words is { Count: > 0 } words)
            {
                screen.Write(new Text($"    {string.Join(", ", words.Select(x => string.Create(CultureInfo.InvariantCulture, $"{x.Word} {x.Score:0.000}")))}\n", new Style(decoration: Decoration.Dim)));
            }
        }
    }

    /// <summary><c>repo: path:12-40</c> for a repository's chunk; title or id for what was stored by itself.</summary>
    internal static string Origin(SearchHit hit) => hit switch
    {
        { Path: { } path, Lines: { } lines } => string.Create(CultureInfo.InvariantCulture, $"{hit.RepoId}: {path}:{lines.Start}-{lines.End}"),
        { Path: { } path } => $"{hit.RepoId}: {path}",
        { Title: { } title } => title,
        _ => hit.Id.ToString(),
    };
}
