using System.Globalization;
using Mahavishnu.Contracts;

namespace Mahavishnu.Benchmarks;

/// <summary>Conversations written for the purpose, and questions whose answers stand in turns that are known. Each file of <c>Evals/talk</c> is one project's.</summary>
internal static class TalkSet
{
    public const string Name = "talk";

    public static EvalSet Read()
    {
        var (documents, questions) = (new List<NewMemory>(), new List<EvalQuestion>());
        foreach (var file in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Evals", "talk"), "*.txt").Order(StringComparer.Ordinal))
        {
            Read(Path.GetFileNameWithoutExtension(file), File.ReadAllLines(file), documents, questions);
        }

        return new EvalSet(Name, documents, questions);
    }

    // == 2026-03-02 Retrying card charges
    // Mira: How often do we retry a declined card?
    // [retries] Claude: Three times, an hour apart.
    // ? same [retries] How often is a declined card retried?
    private static void Read(string project, IEnumerable<string> lines, List<NewMemory> documents, List<EvalQuestion> questions)
    {
        var marks = new Dictionary<string, int>(StringComparer.Ordinal);
        var (session, at) = ("", default(DateTimeOffset));
        foreach (var line in lines.Where(l => l.Length > 0))
        {
            if (line.StartsWith("== ", StringComparison.Ordinal))
            {
                session = $"{project}, {line[3..]}";
                at = DateTimeOffset.Parse(line[3..13], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal).AddHours(9);
            }
            else if (line.StartsWith("? ", StringComparison.Ordinal))
            {
                var (category, rest) = Cut(line[2..], ' ');
                var (names, text) = Cut(rest.TrimStart('['), ']');
                questions.Add(new EvalQuestion(category, text, [.. names.Split(' ').Select(name => marks[name])]));
            }
            else
            {
                var (mark, turn) = line.StartsWith('[') ? Cut(line[1..], ']') : ("", line);
                var (speaker, said) = Cut(turn, ':');
                if (mark.Length > 0)
                {
                    marks.Add(mark, documents.Count);
                }

                at = at.AddMinutes(1);
                documents.Add(new NewMemory
                {
                    Id = EvalSet.Identify(session + at.ToString("O", CultureInfo.InvariantCulture)),
                    Type = MemoryTypes.Agent,
                    Source = "evals",
                    Content = said,
                    AgentId = speaker,
                    ProjectId = project,
                    SessionId = session,
                    OccurredAt = at,
                });
            }
        }
    }

    private static (string Before, string After) Cut(string text, char at)
    {
        var place = text.IndexOf(at, StringComparison.Ordinal);
        return place < 0 ? throw new FormatException($"“{text}” has no “{at}”.") : (text[..place].Trim(), text[(place + 1)..].Trim());
    }
}
