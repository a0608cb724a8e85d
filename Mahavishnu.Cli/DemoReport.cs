using System.Globalization;
using System.Text.RegularExpressions;
using Mahavishnu.Contracts;
using Spectre.Console;

namespace Mahavishnu.Cli;

/// <summary>One search of the demo with what it found.</summary>
internal sealed partial record DemoAnswer(DemoQuestion Question, SearchResponse Response)
{
    private const int StemLength = 5;

    /// <summary>Place (from 1) of what had to be found; null where it is missing.</summary>
    public int? Place { get; } = Response.Hits.Index().Where(h => Question.Expected.IsMetBy(h.Item)).Select(h => (int?)(h.Index + 1)).FirstOrDefault();

    /// <summary>Words of the question that are in what was found, and all of its words.</summary>
    public (int Shared, int All) Words { get; } =
        Count(Question.Request.Query!, Response.Hits.Where(Question.Expected.IsMetBy).Select(h => $"{h.Title} {h.Path} {h.Content}").FirstOrDefault() ?? "");

    /// <summary>What is wrong with the answer, as the end of a sentence; null if nothing is.</summary>
    public string? Fault =>
        Place is null ? $"did not find {Question.Expected}"
        : Question.Kind == QuestionKind.Reworded && Words.Shared * 2 > Words.All ? string.Create(CultureInfo.InvariantCulture, $"shares {Words.Shared} of its {Words.All} words with {Question.Expected}: that is no rewording")
        : Question.Passes is { } passes && Response.Hits.FirstOrDefault(h => !passes(h)) is { } stray ? $"found {stray.Title ?? stray.Path}, which its filter excludes"
        : null;

    public bool Found => Fault is null;

    private static (int Shared, int All) Count(string question, string text)
    {
        var known = Split(text);
        var asked = Split(question);
        return (asked.Count(known.Contains), asked.Count);
    }

    // Forms of a word are one word here: a rewording must not get by on endings.
    private static HashSet<string> Split(string text) =>
        [.. Word().Matches(text).Select(m => m.Value.ToUpperInvariant()).Select(w => w.Length > StemLength ? w[..StemLength] : w)];

    [GeneratedRegex(@"\p{L}+|\p{Nd}+", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Word();
}

/// <summary>What the demo did, for people and for programs.</summary>
internal sealed record DemoReport(RepositoryResult Repository, BatchCounts Stored, IReadOnlyList<DemoAnswer> Answers, IReadOnlyDictionary<string, double> Phases)
{
    private const int Shown = 3;

    public bool AllFound => Answers.All(a => a.Found);

    public object Summary() => new
    {
        found = AllFound,
        repository = Repository,
        stored = Stored,
        searches = Answers.Select(a => new { question = a.Question.Request.Query, kind = a.Question.Kind.ToString(), expected = a.Question.Expected.ToString(), place = a.Place, a.Response.TookMs, sharedWords = a.Words.Shared, words = a.Words.All }),
        seconds = Phases,
    };

    public void Write(Terminal terminal)
    {
        var screen = terminal.Screen;
        foreach (var answer in Answers)
        {
            WriteAnswer(screen, answer);
        }

        var table = new Table().RoundedBorder().AddColumns("step", "seconds", "what");
        foreach (var (step, seconds) in Phases)
        {
            table.AddRow(new Text(step), new Text(seconds.ToString("0.00", CultureInfo.InvariantCulture)), new Text(Detail(step)));
        }

        table.AddRow(new Text("together"), new Text(Phases.Values.Sum().ToString("0.00", CultureInfo.InvariantCulture)), new Text($"{Answers.Count(a => a.Found)} of {Answers.Count} searches found what they had to"));
        screen.Write(table);
        foreach (var missing in Answers.Where(a => !a.Found))
        {
            terminal.Say($"\"{missing.Question.Request.Query}\" {missing.Fault}");
        }
    }

    private static void WriteAnswer(IAnsiConsole screen, DemoAnswer answer)
    {
        var how = answer.Question.Kind switch
        {
            QuestionKind.Words => "by words",
            QuestionKind.Reworded => $"reworded, {answer.Words.Shared} of {answer.Words.All} words shared",
            QuestionKind.Filtered => "filtered",
            _ => throw new InvalidOperationException($"Unknown kind of question {answer.Question.Kind}."),
        };
        screen.Write(new Text($"\"{answer.Question.Request.Query}\"", new Style(decoration: Decoration.Underline)));
        screen.Write(new Text($"  ({how})\n"));
        foreach (var (i, hit) in answer.Response.Hits.Take(Shown).Index())
        {
            SearchCommand.WriteHit(screen, i + 1, hit);
        }

        if (answer.Place is { } place && place > Shown)
        {
            SearchCommand.WriteHit(screen, place, answer.Response.Hits[place - 1]);
        }

        var found = answer.Place is { } at ? $"{answer.Question.Expected} is number {at}" : $"{answer.Question.Expected} is missing";
        screen.Write(new Text(
            string.Create(CultureInfo.InvariantCulture, $"    → {found}; {answer.Response.Hits.Count} hits in {answer.Response.TookMs:0.0} ms\n\n"),
            new Style(answer.Found ? Color.Green : Color.Red)));
    }

    private string Detail(string step) => step switch
    {
        "read and store the repository" => string.Create(CultureInfo.InvariantCulture, $"{Repository.FilesChanged} files, {Repository.Bytes / 1024.0:N0} KB → {Repository.Chunks} chunks"),
        "store memories" => $"{Stored.Created} memories of {MemoryTypes.All.Count} types",
        "search" => $"{Answers.Count} searches",
        _ => "",
    };
}
