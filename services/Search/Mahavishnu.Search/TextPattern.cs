using System.Text;

namespace Mahavishnu.Search;

/// <summary>A text as a regular expression of PostgreSQL that matches it and nothing else: its letters as they are, any blanks for blanks, no word cut in two.</summary>
internal static class TextPattern
{
    public static string Of(string phrase)
    {
        var pattern = new StringBuilder(phrase.Length * 2);
        var blank = false;
        foreach (var c in phrase)
        {
            if (char.IsWhiteSpace(c))
            {
                blank = true;
                continue;
            }

            if (blank)
            {
                pattern.Append(@"\s+");
                blank = false;
            }

            // A backslash before a sign takes its meaning away, before a letter it would give it one.
            pattern.Append(char.IsAscii(c) && !char.IsAsciiLetterOrDigit(c) ? $@"\{c}" : c);
        }

        return $"{(Bounds(phrase[0]) ? @"\y" : "")}{pattern}{(Bounds(phrase[^1]) ? @"\y" : "")}";
    }

    // Between letters of a script without spaces there is no end of a word to be asked for.
    private static bool Bounds(char end) => (char.IsLetterOrDigit(end) || end == '_') && !UnspacedScript.Has(end);
}
