using System.Collections.Frozen;
using System.Text;
using System.Text.RegularExpressions;

namespace Mahavishnu.Search;

/// <summary>A question as it was meant: what to look for, what must stand in the text as it is, what must not be there.</summary>
/// <param name="Words">Everything to look for, the phrases' words among it, without the signs that say how.</param>
/// <param name="Phrases">Quoted: each must stand in the title or the content, letter by letter but for case and the width of blanks.</param>
/// <param name="Excluded">Words and quoted phrases that were given with a dash before them.</param>
/// <param name="Prefix">The only word of a short question: what begins with it is found, too.</param>
/// <param name="Names">What can only be the name of something in code: a path, an identifier, a file. Lower case.</param>
internal sealed partial record AskedText(
    string Words, IReadOnlyList<string> Phrases, IReadOnlyList<Exclusion> Excluded, string? Prefix, IReadOnlyList<string> Names)
{
    // A pasted log or JSON is full of quotes that mean something else.
    private const int MostPhrases = 8;
    private const int LongestPhrase = 500;
    private const int MostExclusions = 32;

    private const int ShortestPrefix = 3;
    private const int LongestPrefix = 12;

    private const int MostNames = 16;
    private const int LongestName = 300;

    // PostgreSQL's English ones that are not rare in a quotation.
    private static readonly FrozenSet<string> StopWords = FrozenSet.Create(StringComparer.OrdinalIgnoreCase, """
        a about after again all am an and any are as at be because been before being but by can did do does doing don down for from had has have having he her here him his how i if in
        into is it its just me more most my no nor not now of off on once only or other our out over own s same she should so some such t than that the their them then there these they
        this those through to too under until up very was we were what when where which while who whom why will with you your
        """.Split([' ', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries));

    /// <summary>Whether it is more than words: then it is not one of those whose answers can be compared by their vectors.</summary>
    public bool IsPlain => Phrases.Count == 0 && Excluded.Count == 0;

    public static AskedText Read(string text)
    {
        var (words, phrases, excluded) = (new StringBuilder(text.Length), new List<string>(), new List<Exclusion>());
        var position = 0;
        foreach (Match sign in Signs().Matches(text))
        {
            var quoted = sign.Groups["quoted"];
            var dash = sign.Groups["dash"].Success;
            if (quoted.Success && (string.IsNullOrWhiteSpace(quoted.Value) || quoted.Length > LongestPhrase))
            {
                continue;
            }

            words.Append(text, position, sign.Index - position);
            position = sign.Index + sign.Length;
            if (dash)
            {
                excluded.Add(quoted.Success ? new Exclusion(quoted.Value.Trim(), IsPhrase: true) : new Exclusion(sign.Groups["word"].Value, IsPhrase: false));
            }
            else
            {
                phrases.Add(quoted.Value.Trim());
                words.Append(quoted.ValueSpan);
            }
        }

        if (phrases.Count > MostPhrases || excluded.Count > MostExclusions)
        {
            return Plain(text);
        }

        words.Append(text, position, text.Length - position);
        return Plain(words.ToString().Trim()) with { Phrases = phrases, Excluded = excluded };
    }

    private static AskedText Plain(string words) => new(words, [], [], PrefixOf(words), NamesIn(words));

    /// <summary>Whether a phrase has a word that an index can know: one that is neither a stop word nor glued to signs.</summary>
    public static bool HasWords(string phrase) =>
        phrase.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries).Select(Bare).Any(w => w.Length > 0 && (UnspacedScript.Has(w[0]) || !StopWords.Contains(w)));

    /// <summary>Those words.</summary>
    public static string WordsOf(string phrase) => string.Join(' ', phrase.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries).Select(Bare));

    // A word that has signs or dashes inside may be cut up differently where more stands around it: left to the comparison with the text.
    private static string Bare(string token)
    {
        var word = token.Trim([.. "()[]{}<>,;:.!?\"'`*"]);
        return word.All(c => char.IsLetterOrDigit(c) || c == '_' || UnspacedScript.Has(c)) && word.Any(char.IsLetter) ? word : "";
    }

    private static string? PrefixOf(string words)
    {
        var fits = words.Length is >= ShortestPrefix and <= LongestPrefix || (words.Length == 1 && UnspacedScript.Has(words[0]));
        return fits && words.All(char.IsLetterOrDigit) ? words.ToLowerInvariant() : null;
    }

    private static List<string> NamesIn(string words) =>
        words.Length is > 2 and <= LongestName && words.All(c => char.IsLetterOrDigit(c) || c == '_')
            ? [words.ToLowerInvariant()]
            : [.. Name().Matches(words).Select(m => m.Value.Replace('\\', '/').ToLowerInvariant()).Where(n => n.Length is > 2 and <= LongestName).Distinct(StringComparer.Ordinal).Take(MostNames)];

    // "…" with a blank outside of each end (a bracket may be between), or -word, -"…" after a blank. --force, a-b, -> and -1 are none of these, nor are "rm -rf"
    // and "ls -la": a dash before one or two letters is a switch of some program.
    [GeneratedRegex($$"""
        (?<= (?:^|\s) [(\[]? )
        (?: (?<dash>-)? ["“”] (?<quoted>[^"“”]+) ["“”] (?![^\s)\]},;.!?:])
          | (?<=^|\s) (?<dash>-) (?<word>\p{L}[\p{L}\p{M}\p{N}_]{2,}) (?=$|[\s,;:.!?)]) )
        """, RegexOptions.IgnorePatternWhitespace | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 1_000)]
    private static partial Regex Signs();

    // A path or dotted name, or one with an underscore, a digit among letters or a capital inside.
    [GeneratedRegex("""
        (?<![\w./\\])
        (?: [\w-]+ (?: [./\\] [\w-]+ )+ | \w*_\w+ | [a-z0-9]+[A-Z]\w* | [A-Z][a-z0-9]+[A-Z]\w* )
        (?![\w/\\])
        """, RegexOptions.IgnorePatternWhitespace | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 1_000)]
    private static partial Regex Name();
}

/// <param name="IsPhrase">Quoted: it has to stand there as it is. Else its words in any form.</param>
internal sealed record Exclusion(string Text, bool IsPhrase);
