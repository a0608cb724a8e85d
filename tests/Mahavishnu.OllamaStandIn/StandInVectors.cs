using System.Text;

namespace Mahavishnu.OllamaStandIn;

/// <summary>Text to vector: a bag of hashed words, so that texts which share words are near each other, differently for each model and content.</summary>
public static class StandInVectors
{
    private const int PlacesPerWord = 16;

    // What a model wants to hear before a text says what it is for, and hardly changes where the text lies.
    private const float PrefixWeight = 0.05f;

    private static readonly string[] Prefixes =
    [
        "search_document:", "search_query:", "query:", "passage:", "Represent this sentence for searching relevant passages:",
        "title: none | text:", "task: search result | query:",
    ];

    /// <summary>The vector that the model's content gives for the text: length 1, the same on every machine.</summary>
    public static float[] Of(StandInModel model, string text)
    {
        if (model.Given?.Invoke(text) is { } given)
        {
            return given;
        }

        var vector = new float[model.Dimensions];
        var seed = Hash(model.FullName + model.Digest, 0);
        var prefix = Array.Find(Prefixes, p => text.StartsWith(p, StringComparison.Ordinal)) ?? "";
        Add(vector, prefix, seed, PrefixWeight);
        if (!Add(vector, text[prefix.Length..], seed, 1f))
        {
            AddWord(vector, Hash(text, seed), 1f);
        }

        var length = MathF.Sqrt(vector.Sum(x => x * x));
        for (var i = 0; i < vector.Length; i++)
        {
            vector[i] /= length;
        }

        return vector;
    }

    private static bool Add(float[] vector, string text, ulong seed, float weight)
    {
        var word = new StringBuilder();
        var any = false;
        foreach (var c in text.ToLowerInvariant() + " ")
        {
            if (char.IsLetterOrDigit(c))
            {
                word.Append(c);
            }
            else if (word.Length > 0)
            {
                // Short words are mostly the ones that every text has.
                AddWord(vector, Hash(word.ToString(), seed), word.Length > 3 ? weight : weight / 4);
                word.Clear();
                any = true;
            }
        }

        return any;
    }

    private static void AddWord(float[] vector, ulong key, float weight)
    {
        for (var i = 0; i < PlacesPerWord; i++)
        {
            key = Mix(key);
            vector[key % (ulong)vector.Length] += (key >> 63) == 0 ? weight : -weight;
        }

        // A place that is hit twice with different signs is empty again; this one is not.
        vector[0] += weight / 8;
    }

    private static ulong Hash(string text, ulong seed)
    {
        var key = seed ^ 0xCBF29CE484222325;
        foreach (var c in text)
        {
            key = (key ^ c) * 0x100000001B3;
        }

        return Mix(key);
    }

    private static ulong Mix(ulong x)
    {
        x += 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
