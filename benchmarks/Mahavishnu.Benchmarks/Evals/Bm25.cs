namespace Mahavishnu.Benchmarks;

/// <summary>BM25 as the textbook has it, over every document at once and in memory: what a search with an inverted index and exact counts would find.</summary>
internal sealed class Bm25
{
    private const double K1 = 1.2;
    private const double B = 0.75;

    private readonly Dictionary<string, List<(int Document, int Count)>> _postings = new(StringComparer.Ordinal);
    private readonly int[] _lengths;
    private readonly double _meanLength;

    /// <param name="documents">The words of each, and how often it has them.</param>
    public Bm25(IReadOnlyList<IReadOnlyDictionary<string, int>> documents)
    {
        _lengths = [.. documents.Select(d => d.Values.Sum())];
        _meanLength = _lengths.Average();
        foreach (var (document, words) in documents.Index())
        {
            foreach (var (word, count) in words)
            {
                if (!_postings.TryGetValue(word, out var postings))
                {
                    _postings[word] = postings = [];
                }

                postings.Add((document, count));
            }
        }
    }

    /// <summary>The best documents, best first; of equals the earlier one.</summary>
    public IReadOnlyList<int> Rank(IEnumerable<string> words, int most)
    {
        var scores = new Dictionary<int, double>();
        foreach (var postings in words.Distinct(StringComparer.Ordinal).Select(w => _postings.GetValueOrDefault(w)).OfType<List<(int Document, int Count)>>())
        {
            var idf = Math.Log(1 + (_lengths.Length - postings.Count + 0.5) / (postings.Count + 0.5));
            foreach (var (document, count) in postings)
            {
                var norm = K1 * (1 - B + B * _lengths[document] / _meanLength);
                scores[document] = scores.GetValueOrDefault(document) + idf * count * (K1 + 1) / (count + norm);
            }
        }

        return [.. scores.OrderByDescending(s => s.Value).ThenBy(s => s.Key).Take(most).Select(s => s.Key)];
    }
}
