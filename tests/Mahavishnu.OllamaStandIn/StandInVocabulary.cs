using System.Text;

namespace Mahavishnu.OllamaStandIn;

/// <summary>A small WordPiece vocabulary as a model file has it, and the plainest way to count by it: what the server compares with its context length.</summary>
public static class StandInVocabulary
{
    /// <summary>Marks a token that begins a word; one without it continues a word.</summary>
    public const char WordStart = '\u2581';

    private const string Words =
        "the of and to in a is that for it as was with be by on not he his but at are this have an had they you were their one all we can her has there been if more when will would who so no " +
        "out up into do any your what some other time than then these two may only new about made like our over man me even most after also did many before must through back years where much " +
        "way well down should because each just those people how too little state good very make world still own see men work long get here between both life being under never day same another " +
        "know while last might us great old year off come since against go came right used take three search document query memory agent file code function class return value error test data " +
        "base index table row column text word vector model server client request answer queue job worker space project repository session workflow import store write read find list open close " +
        "start stop run build user name type number string list key path line user time date hello quick brown fox lazy dog jump cat tree house water light night";

    private const string Endings = "s es ed ing er est ly tion ment ness able ible ful less ize ise al ity ous ive or ist ism ary ery";

    private const string Punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    /// <summary>Special tokens, every letter and digit (as beginning and inside), punctuation, common words and endings.</summary>
    public static IReadOnlyList<string> English { get; } =
    [
        .. new[] { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]" }
            .Concat("abcdefghijklmnopqrstuvwxyz0123456789".SelectMany(c => new[] { $"{WordStart}{c}", $"{c}" }))
            .Concat(Punctuation.Select(c => $"{WordStart}{c}"))
            .Concat(Words.Split(' ').Select(w => $"{WordStart}{w}"))
            .Concat(Endings.Split(' '))
            .Distinct(StringComparer.Ordinal),
    ];

    /// <summary>The model's tokens of the text without the two that stand around it.</summary>
    /// <param name="vocabulary">The model's, as a set.</param>
    public static int Count(StandInModel model, string text, ISet<string> vocabulary)
    {
        if (model.Tokenizer != "bert")
        {
            // Byte pairs, roughly: no vocabulary of the kind is needed here.
            return text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Sum(w => (w.Length + 3) / 4);
        }

        return Split(text).Sum(word => Pieces(WordStart + word, vocabulary));
    }

    private static IEnumerable<string> Split(string text)
    {
        var word = new StringBuilder();
        foreach (var c in text.ToLowerInvariant())
        {
            var alone = char.IsPunctuation(c) || Punctuation.Contains(c, StringComparison.Ordinal) || c is >= '\u4E00' and <= '\u9FFF';
            if (!alone && !char.IsWhiteSpace(c))
            {
                word.Append(c);
                continue;
            }

            if (word.Length > 0)
            {
                yield return word.ToString();
                word.Clear();
            }

            if (alone)
            {
                yield return c.ToString();
            }
        }

        if (word.Length > 0)
        {
            yield return word.ToString();
        }
    }

    private static int Pieces(string word, ISet<string> vocabulary)
    {
        var count = 0;
        for (var at = 0; at < word.Length; count++)
        {
            var length = word.Length - at;
            while (length > 0 && !vocabulary.Contains(word.Substring(at, length)))
            {
                length--;
            }

            if (length == 0)
            {
                return 1; // [UNK] for the whole word
            }

            at += length;
        }

        return count;
    }
}
