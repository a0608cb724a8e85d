using System.Collections.Frozen;
using System.Globalization;

namespace Mahavishnu.Embeddings;

/// <summary>
/// Words that say little, and how much of their weight they keep. A fixed short list: weighing all words by their frequency in general English
/// was measured to ruin hashed vectors on code. Part of the model: a change here changes the digest.
/// </summary>
internal static class WordLists
{
    public const float StopWeight = 0.2f;
    public const float KeywordWeight = 0.7f;

    private const string StopWords = """
        a an the and or but if then else of in on at to from by for with without into onto over under as is are was were be been being am do does did done has have had having
        it its this that these those there here he she they we you i me my your our their his her them him us what which who whom whose when where why how not no nor so than too very
        can could will would shall should may might must about after before between during above below up down out off again further once all any both each few more most other some such
        only own same just also s t don now
        """;

    private const string Keywords = """
        return def self class elif while none true false null void public private protected internal static readonly const var let new import using namespace try except catch finally
        raise throw async await yield lambda pass break continue int string str bool float double list dict object function func fn print len isinstance
        """;

    /// <summary>Weights and lists as one text, for the model's digest.</summary>
    public static string Identity { get; } =
        string.Create(CultureInfo.InvariantCulture, $"{StopWeight}:{StopWords}\n{KeywordWeight}:{Keywords}").ReplaceLineEndings("\n");

    private static readonly FrozenDictionary<string, float>.AlternateLookup<ReadOnlySpan<char>> Weights = Load();

    /// <summary>The longest listed word; longer ones need no look-up.</summary>
    private static readonly int Longest = Weights.Dictionary.Keys.Max(word => word.Length);

    /// <summary>1 for an ordinary word.</summary>
    public static float WeightOf(ReadOnlySpan<char> word) =>
        word.Length <= Longest && Weights.TryGetValue(word, out var weight) ? weight : 1f;

    private static FrozenDictionary<string, float>.AlternateLookup<ReadOnlySpan<char>> Load()
    {
        var weights = new Dictionary<string, float>(StringComparer.Ordinal);
        Add(StopWords, StopWeight);
        Add(Keywords, KeywordWeight);
        return weights.ToFrozenDictionary(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

        void Add(string list, float weight)
        {
            foreach (var word in list.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries))
            {
                weights.TryAdd(word, weight);
            }
        }
    }
}
