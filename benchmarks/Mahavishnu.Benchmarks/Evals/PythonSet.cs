using System.Text.RegularExpressions;

namespace Mahavishnu.Benchmarks;

/// <summary>Functions of the Python that is installed, where one is: the first sentence of the docstring asks for the function.</summary>
internal static partial class PythonSet
{
    private const string Name = "code, Python";
    private const int Documents = 10_000;

    // Below this the share of one function is more than the differences that matter.
    private const int Enough = 1_000;

    /// <returns>Null where too little is installed.</returns>
    public static EvalSet? Make(int questions)
    {
        var set = SourceFunction.Set(Name, Corpus.Python().SelectMany(Read), Documents, questions);
        return set.Documents.Count < Enough ? null : set;
    }

    private static IEnumerable<SourceFunction> Read(string file)
    {
        var text = File.ReadAllText(file).ReplaceLineEndings("\n");
        foreach (Match function in Function.Matches(text))
        {
            var code = function.Groups["head"].Value + function.Groups["body"].Value;
            if (function.Groups["body"].Value.Trim().Length > 0)
            {
                yield return new SourceFunction("docstring", file, text.AsSpan(0, function.Index).Count('\n') + 1, code.Trim(), SourceFunction.FirstSentence(function.Groups["doc"].Value));
            }
        }
    }

    // def name(…):            its body: whatever is blank or further in
    //     """What it is for."""
    [GeneratedRegex(""""^(?<in>[ \t]*)(?<head>(async )?def \w+\((.|\n){0,400}?:\n)\s*r?"""(?<doc>[^"\\]+)"""(?<body>(\n(\k<in>[ \t]+\S.*|[ \t]*(?=\n|\z)))*)"""", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Function { get; }
}
