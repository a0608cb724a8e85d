using System.Text;

namespace Mahavishnu.Search;

/// <summary>
/// Picks the frequencies that a question may need: what the database makes of its words is not known here, but a stem begins as its word does. A few hundred go along
/// with the statement instead of thousands. One that is missed (dying, die) counts as a word that nobody knows.
/// </summary>
internal sealed class LexemeIndex
{
    private const int Beginning = 2;

    private readonly Dictionary<string, List<int>> _byBeginning = new(StringComparer.Ordinal);

    public LexemeIndex(LexemeFrequencies all)
    {
        All = all;
        foreach (var (place, word) in all.Words.Index())
        {
            var key = word.Length <= Beginning ? word : word[..Beginning];
            if (!_byBeginning.TryGetValue(key, out var places))
            {
                _byBeginning[key] = places = [];
            }

            places.Add(place);
        }
    }

    public LexemeFrequencies All { get; }

    /// <summary>Those of words that may begin anywhere in the text: the words of an identifier do not begin where it does.</summary>
    public LexemeFrequencies Among(string text)
    {
        // Not every stem keeps other letters: ü becomes u.
        if (!Ascii.IsValid(text))
        {
            return All;
        }

        var lower = text.ToLowerInvariant();
        var keys = new HashSet<string>(StringComparer.Ordinal);
        for (var start = 0; start < lower.Length; start++)
        {
            keys.Add(lower[start..(start + 1)]);
            keys.Add(lower[start..Math.Min(lower.Length, start + Beginning)]);
        }

        var places = keys.SelectMany(key => _byBeginning.GetValueOrDefault(key, [])).ToList();
        return All with { Words = places.ConvertAll(p => All.Words[p]), Frequencies = places.ConvertAll(p => All.Frequencies[p]) };
    }
}
