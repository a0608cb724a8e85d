using System.Text;

namespace Mahavishnu.Benchmarks;

/// <summary>How many memories a word stands in, by design.</summary>
internal enum WordClass
{
    /// <summary>One in a thousand.</summary>
    Rare,

    /// <summary>One in twenty.</summary>
    Mid,

    /// <summary>Nine in ten.</summary>
    Common,
}

/// <summary>About 500 characters of words that nobody speaks: a few very common, most rare (Zipf), some of them the cluster's own. No stemmer knows them.</summary>
internal static class SyntheticTexts
{
    private const ulong Seed = 0x5EED_0002;
    private const int Vocabulary = 15_000;
    private const int Length = 490;
    private const double OfTheCluster = 0.3;

    // Words by design follow those by chance.
    private static readonly Dictionary<WordClass, (int First, int Count, double Share)> Classes = new()
    {
        [WordClass.Common] = (Vocabulary, 8, 0.9),
        [WordClass.Mid] = (Vocabulary + 8, 40, 0.05),
        [WordClass.Rare] = (Vocabulary + 48, 200, 0.001),
    };

    private static readonly double[] Zipf = MakeZipf();

    /// <summary>The n-th word of a class, and again from the first.</summary>
    public static string WordOf(WordClass kind, int n) => Word(Classes[kind].First + n % Classes[kind].Count);

    public static string Of(long row, int cluster)
    {
        var draws = new Draws(Seed, row);
        var words = new List<string>(96);
        foreach (var (first, count, share) in Classes.Values)
        {
            for (var n = 0; n < count; n++)
            {
                if (draws.Share() < share)
                {
                    words.Add(Word(first + n));
                }
            }
        }

        var length = words.Sum(w => w.Length + 1);
        while (length < Length)
        {
            words.Insert(draws.Below(words.Count + 1), ByChance(ref draws, cluster));
            length += 6;
        }

        return Sentences(words);
    }

    /// <summary>Words as somebody would ask about a cluster with them: by chance, common ones among them.</summary>
    public static string Question(long number, int cluster, int words)
    {
        var draws = new Draws(Seed + 1, number);
        return string.Join(' ', Enumerable.Range(0, words).Select(_ => ByChance(ref draws, cluster)));
    }

    private static string ByChance(ref Draws draws, int cluster)
    {
        var at = Array.BinarySearch(Zipf, draws.Share());
        var rank = Math.Min(Vocabulary - 1, at < 0 ? ~at : at);
        return Word(draws.Share() < OfTheCluster ? (int)((rank * 7_919L + cluster * 104_729L) % Vocabulary) : rank);
    }

    private static string Sentences(List<string> words)
    {
        var text = new StringBuilder(Length + 32);
        for (var i = 0; i < words.Count; i++)
        {
            text.Append(i == 0 ? "" : i % 12 == 0 ? ". " : " ").Append(words[i]);
        }

        return text.Append('.').ToString();
    }

    // "dobaf": consonant, vowel, consonant, vowel, and an end that no rule of English takes off.
    private static string Word(int index)
    {
        const string Consonants = "bdfgklmnprtvz";
        const string Vowels = "aiou";
        const string Ends = "bfkpvz";
        // Neighbours in rank look nothing alike: the multiplier shares no factor with the number of words.
        var n = (int)(index * 7_127L % (Consonants.Length * Vowels.Length * Consonants.Length * Vowels.Length * Ends.Length));
        Span<char> word = stackalloc char[5];
        word[0] = Take(Consonants, ref n);
        word[1] = Take(Vowels, ref n);
        word[2] = Take(Consonants, ref n);
        word[3] = Take(Vowels, ref n);
        word[4] = Take(Ends, ref n);
        return new string(word);
    }

    private static char Take(string letters, ref int n)
    {
        var letter = letters[n % letters.Length];
        n /= letters.Length;
        return letter;
    }

    private static double[] MakeZipf()
    {
        var shares = new double[Vocabulary];
        for (var rank = 0; rank < Vocabulary; rank++)
        {
            shares[rank] = (rank == 0 ? 0 : shares[rank - 1]) + 1.0 / (rank + 1);
        }

        var all = shares[^1];
        return [.. shares.Select(s => s / all)];
    }
}
