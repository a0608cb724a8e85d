namespace Mahavishnu.Embeddings;

/// <summary>What a character is to the tokeniser.</summary>
internal enum CharacterKind : byte
{
    Separator,
    Lower,
    Upper,
    Digit,
    Underscore,

    /// <summary>A script written without spaces, or half of a surrogate pair: read character by character.</summary>
    Dense,

    /// <summary>A combining mark: dropped, so that composed and decomposed spellings are one word.</summary>
    Mark,
}

/// <summary>
/// Character classes and folding (lower case, without accents) as fixed tables: .NET's own follow the Unicode version of the runtime,
/// and a vector must not change when the runtime does.
/// </summary>
internal static class Characters
{
    private const int TableSize = 0x600;

    // U+00C0..U+017F without case and accents; '*' separates.
    private const string LatinFold =
        "aaaaaaaceeeeiiiidnooooo*ouuuuytsaaaaaaaceeeeiiiidnooooo*ouuuuyty" +
        "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll" +
        "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

    private const string GreekAccented = "ΆΈΉΊΌΎΏάέήίόύώϊϋς";
    private const string GreekPlain = "αεηιουωαεηιουωιυσ";

    private static readonly CharacterKind[] Kinds = new CharacterKind[TableSize];
    private static readonly char[] Folds = new char[TableSize];

    static Characters()
    {
        for (var c = 0; c < TableSize; c++)
        {
            (Kinds[c], Folds[c]) = Classify((char)c);
        }
    }

    public static CharacterKind Kind(char c) => c < TableSize ? Kinds[c] : KindBeyondTable(c);

    public static char Fold(char c) => c < TableSize ? Folds[c] : c is >= '\uFF01' and <= '\uFF5E' ? Folds[c - 0xFEE0] : c;

    private static (CharacterKind Kind, char Fold) Classify(char c) => c switch
    {
        >= 'a' and <= 'z' => (CharacterKind.Lower, c),
        >= 'A' and <= 'Z' => (CharacterKind.Upper, (char)(c + 32)),
        >= '0' and <= '9' => (CharacterKind.Digit, c),
        '_' => (CharacterKind.Underscore, c),
        < '\u00C0' => (CharacterKind.Separator, c),
        < '\u0180' => ClassifyLatin(c),
        < '\u0300' => (CharacterKind.Lower, c),
        < '\u0370' => (CharacterKind.Mark, c),
        '\u037E' or '\u0387' => (CharacterKind.Separator, c),
        >= '\u0391' and <= '\u03A9' => (CharacterKind.Upper, (char)(c + 32)),
        >= '\u0400' and <= '\u040F' => (CharacterKind.Upper, (char)(c + 80)),
        >= '\u0410' and <= '\u042F' => (CharacterKind.Upper, (char)(c + 32)),
        _ when GreekAccented.IndexOf(c, StringComparison.Ordinal) is >= 0 and var at => (at < 7 ? CharacterKind.Upper : CharacterKind.Lower, GreekPlain[at]),
        _ => (CharacterKind.Lower, c),
    };

    private static (CharacterKind Kind, char Fold) ClassifyLatin(char c)
    {
        var fold = LatinFold[c - 0xC0];
        var kind = fold == '*' ? CharacterKind.Separator : c <= '\u00DE' ? CharacterKind.Upper : CharacterKind.Lower;
        return (kind, fold == '*' ? c : fold);
    }

    private static CharacterKind KindBeyondTable(char c) => c switch
    {
        // Thai to Burmese (no spaces between words), Khmer
        >= '\u0E00' and <= '\u109F' or >= '\u1780' and <= '\u17FF' => CharacterKind.Dense,
        // punctuation, currency, arrows, mathematics, boxes, dingbats
        >= '\u2000' and <= '\u20CF' or >= '\u2190' and <= '\u2BFF' or >= '\u2E00' and <= '\u2E7F' or >= '\u3000' and <= '\u303F' => CharacterKind.Separator,
        >= '\u2E80' and <= '\u9FFF' or >= '\uAC00' and <= '\uDFFF' or >= '\uF900' and <= '\uFAFF' => CharacterKind.Dense,
        // private use, vertical forms, specials (BOM, replacement character)
        >= '\uE000' and <= '\uF8FF' or >= '\uFE00' and <= '\uFE6F' or '\uFEFF' or >= '\uFFE0' => CharacterKind.Separator,
        >= '\uFF01' and <= '\uFF5E' => Kinds[c - 0xFEE0],
        >= '\uFF5F' and <= '\uFFDF' => CharacterKind.Dense,
        _ => CharacterKind.Lower,
    };
}
