using System.Text.RegularExpressions;

namespace Mahavishnu.Benchmarks;

/// <summary>This repository's own C#: the summary of a member asks for the member, the sentence that a test is named by asks for what it does.</summary>
internal static partial class CSharpSet
{
    public const string Name = "code, C#";

    public static EvalSet Make(int questions) => SourceFunction.Set(Name, Files().SelectMany(f => Read(f.Path, f.Text)), documents: int.MaxValue, questions);

    /// <summary>What a file has to offer: declarations with nothing documented in them, tests.</summary>
    public static IEnumerable<SourceFunction> Read(string path, string text)
    {
        foreach (Match summary in Summary.Matches(text))
        {
            var code = Declaration(text, summary.Index + summary.Length);
            if (!code.Contains("/// <summary>", StringComparison.Ordinal))
            {
                yield return new SourceFunction("summary", path, LineOf(text, summary.Index), Undocumented(code), SourceFunction.FirstSentence(Plain(summary.Groups["text"].Value)));
            }
        }

        foreach (Match test in Test.Matches(text))
        {
            var name = test.Groups["name"].Value;
            var code = Undocumented(Declaration(text, test.Index));
            yield return new SourceFunction("test", path, LineOf(text, test.Index), code.Replace(name, "Test", StringComparison.Ordinal), name.Replace('_', ' '));
        }
    }

    private static IEnumerable<(string Path, string Text)> Files() =>
        from file in Directory.EnumerateFiles(Machine.Root(), "*.cs", SearchOption.AllDirectories)
        let path = Path.GetRelativePath(Machine.Root(), file).Replace('\\', '/')
        where !path.Split('/').Any(part => part is "bin" or "obj" || part.StartsWith('.'))
        select (path, File.ReadAllText(file).ReplaceLineEndings("\n"));

    /// <summary>From here to the end of the first declaration: the brace or semicolon that belongs to no other.</summary>
    private static string Declaration(string text, int start)
    {
        var depth = 0;
        for (var at = start; at < text.Length; at++)
        {
            if (Skipped.Match(text, at) is { Success: true, Length: > 0 } skipped)
            {
                at += skipped.Length - 1;
                continue;
            }

            depth += text[at] switch { '(' or '{' or '[' => 1, ')' or '}' or ']' => -1, _ => 0 };
            if (depth < 0 || depth == 0 && (text[at] == ';' || text[at] == '}' && !Continued.IsMatch(text, at + 1)))
            {
                return text[start..(at + 1)];
            }
        }

        return text[start..];
    }

    private static string Undocumented(string code)
    {
        var lines = code.Split('\n').Where(l => !l.TrimStart().StartsWith("///", StringComparison.Ordinal)).SkipWhile(string.IsNullOrWhiteSpace).ToList();
        var indent = lines.Count == 0 ? 0 : lines[0].Length - lines[0].TrimStart().Length;
        return string.Join('\n', lines.Select(l => l.Length > indent && string.IsNullOrWhiteSpace(l[..indent]) ? l[indent..] : l.TrimStart())).Trim();
    }

    // <see cref="Searcher.PlanAsync"/> → PlanAsync, <c>limit</c> → limit
    private static string Plain(string xml) => Tag.Replace(Reference.Replace(xml, m => m.Groups["name"].Value.Split('.')[^1]), " ").Replace("///", " ", StringComparison.Ordinal);

    private static int LineOf(string text, int at) => text.AsSpan(0, at).Count('\n') + 1;

    [GeneratedRegex("""^[ \t]*/// <summary>(?<text>(?:.|\n[ \t]*///)*?)</summary>.*\n(?:[ \t]*///.*\n)*""", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Summary { get; }

    [GeneratedRegex("""^[ \t]*public (async Task|Task|void) (?<name>[A-Z][A-Za-z0-9]*(_[A-Za-z0-9]+){3,})\(""", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Test { get; }

    // Literals and remarks, in which a brace is no brace.
    [GeneratedRegex(""""\G("""(.|\n)*?"""|@"([^"]|"")*"|"(\\.|[^"\\\n])*"|'(\\.[^']*|[^'\\\n])'|//[^\n]*)"""", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Skipped { get; }

    // int Limit { get; init; } = 10;
    [GeneratedRegex("""\G\s*(=|;)""", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Continued { get; }

    [GeneratedRegex("""<\w+ \w+="(?<name>[^"]*)"\s*/>""", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Reference { get; }

    [GeneratedRegex("</?[a-z]+>", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Tag { get; }
}
