using System.Globalization;
using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Benchmarks;

/// <summary>A piece of code and what its author said it is for, which is not in the text.</summary>
/// <param name="Category">Where the words come from.</param>
/// <param name="Path">Of its file, with the line it starts at.</param>
internal sealed record SourceFunction(string Category, string Path, int Line, string Code, string Purpose)
{
    // What a splitter would make two pieces of.
    private const int Longest = 4_000;
    private const int FewestWords = 4;

    /// <summary>Questions are what is said of the functions, documents the functions; what is there twice is there once.</summary>
    /// <param name="documents">At most so many of each.</param>
    public static EvalSet Set(string name, IEnumerable<SourceFunction> functions, int documents, int questions)
    {
        var known = functions
            .Where(f => f.Code.Length is > 40 and <= Longest && f.Purpose.Split(' ').Length >= FewestWords)
            .DistinctBy(f => f.Code, StringComparer.Ordinal).DistinctBy(f => f.Purpose, StringComparer.OrdinalIgnoreCase)
            .OrderBy(f => EvalSet.Identify(f.Code), StringComparer.Ordinal).Take(documents)
            .ToList();
        return new EvalSet(
            name,
            known.ConvertAll(f => f.ToMemory(name)),
            [.. known.Take(questions).Select((f, i) => new EvalQuestion(f.Category, f.Purpose, [i]))]);
    }

    /// <summary>The first sentence of what is said, in one line.</summary>
    public static string FirstSentence(string text)
    {
        var line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        var end = line.IndexOf(". ", StringComparison.Ordinal);
        return (end < 0 ? line : line[..end]).TrimEnd('.');
    }

    private NewMemory ToMemory(string repository) => new()
    {
        Id = EvalSet.Identify(Code),
        Type = MemoryTypes.Rag,
        Source = "evals",
        Content = Code,
        RepoId = repository,
        Metadata = JsonSerializer.SerializeToElement(new { path = Path, lines = new { start = Line, end = Line + Code.Count(c => c == '\n') } }, WireJson.Strict),
        OccurredAt = DateTimeOffset.Parse("2026-01-01T00:00:00Z", CultureInfo.InvariantCulture),
    };
}
