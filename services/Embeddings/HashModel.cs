using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Mahavishnu.Contracts;

namespace Mahavishnu.Embeddings;

/// <summary>
/// The built-in model: text → 768 numbers, with no file to download. A text's features are its words (stemmed), the parts of its identifiers and the
/// identifiers whole, and the character trigrams of every word. Each feature adds its weight × √(times it occurs) to two dimensions, with signs, all of
/// them chosen by its hash; the sum is scaled to length 1.
/// </summary>
/// <remarks>
/// The same text gives the same bits on every machine and runtime: own hash and character tables, one order of addition, and only operations IEEE 754
/// rounds exactly (+, ×, ÷, √). Weights were chosen by finding Python functions and manual sections by their docstrings and headings.
/// </remarks>
internal static class HashModel
{
    public const int Dimensions = 768;

    // What stands first names the text: a signature, a heading, a title.
    private const int OpeningLength = 80;
    private const float OpeningTimes = 2f;
    private const float LetterWeight = 0.5f;
    private const float TrigramWeight = 0.3f;
    private const float DenseWeight = 0.5f;
    private const int LongestIdentifier = 256;

    private const ulong WordSeed = 0xCBF29CE484222325;
    private const ulong WholeSeed = 0x9AE16A3B2F90404F;
    private const ulong TrigramSeed = 0x9E3779B97F4A7C15;
    private const ulong DenseSeed = 0xC2B2AE3D27D4EB4F;
    private const ulong CharacterSeed = 0xD6E8FEB86659FD93;

    public const string Name = "builtin-hash-v1";
    public const string PrefixProfile = "none";

    public static EmbeddingModel Info { get; } = new(EmbeddingProviders.Builtin, Name, ComputeDigest(), Dimensions, "cosine", PrefixProfile);

    /// <summary>Writes the text's unit vector over <paramref name="vector"/>, which has <see cref="Dimensions"/> places.</summary>
    public static void Embed(ReadOnlySpan<char> text, Span<float> vector, FeatureBag bag)
    {
        bag.Clear();
        CollectWords(text, bag);
        if (bag.Count == 0)
        {
            CollectCharacters(text, bag);
        }

        vector.Clear();
        foreach (ref readonly var feature in bag.Features)
        {
            var amount = feature.Weight * MathF.Sqrt(feature.Times);
            var first = Scale(feature.Key >> 32, Dimensions);
            var more = Mix(feature.Key + TrigramSeed);

            // The second place is never the first: a text of one feature cannot cancel itself out.
            var second = (first + 1 + Scale(more >> 32, Dimensions - 1)) % Dimensions;
            vector[first] += (feature.Key & 1) == 0 ? amount : -amount;
            vector[second] += (more & 1) == 0 ? amount : -amount;
        }

        Normalise(vector, bag.Features[0].Key);
    }

    private static void CollectWords(ReadOnlySpan<char> text, FeatureBag bag)
    {
        Span<char> buffer = stackalloc char[LongestIdentifier + 2];
        var opening = -1;
        for (var at = 0; at < text.Length;)
        {
            var kind = Characters.Kind(text[at]);
            if (kind is CharacterKind.Separator or CharacterKind.Mark)
            {
                at++;
                continue;
            }

            opening = opening < 0 ? at + OpeningLength : opening;
            var times = at < opening ? OpeningTimes : 1f;
            var end = at + 1;
            if (kind == CharacterKind.Dense)
            {
                AddDense(text, at, bag, times);
            }
            else
            {
                while (end < text.Length && end - at < LongestIdentifier && Characters.Kind(text[end]) is not (CharacterKind.Separator or CharacterKind.Dense))
                {
                    end++;
                }

                AddIdentifier(text[at..end], buffer, bag, times);
            }

            at = end;
        }
    }

    private static void AddDense(ReadOnlySpan<char> text, int at, FeatureBag bag, float times)
    {
        bag.Add(Mix(text[at] + DenseSeed), DenseWeight, times);
        if (at + 1 < text.Length && Characters.Kind(text[at + 1]) == CharacterKind.Dense)
        {
            bag.Add(Mix(((ulong)text[at] << 16 | text[at + 1]) + DenseSeed), 1f, times);
        }
    }

    // parseHTTPResponse_v2 → parse, http, response, v, 2 and the whole: parsehttpresponsev2
    private static void AddIdentifier(ReadOnlySpan<char> identifier, Span<char> buffer, FeatureBag bag, float times)
    {
        var parts = 0;
        var whole = WholeSeed;
        for (var at = 0; at < identifier.Length;)
        {
            var end = EndOfPart(identifier, at);
            var length = 0;
            for (var i = at; i < end; i++)
            {
                if (Characters.Kind(identifier[i]) is not (CharacterKind.Mark or CharacterKind.Underscore))
                {
                    var folded = Characters.Fold(identifier[i]);
                    buffer[1 + length++] = folded;
                    whole = Append(whole, folded);
                }
            }

            if (length > 0)
            {
                AddWord(buffer[..(length + 2)], bag, times);
                parts++;
            }

            at = end;
        }

        if (parts > 1)
        {
            bag.Add(Mix(whole), 1f, times);
        }
    }

    private static int EndOfPart(ReadOnlySpan<char> identifier, int at)
    {
        var first = Characters.Kind(identifier[at]);
        var end = at + 1;
        while (end < identifier.Length && Characters.Kind(identifier[end]) is var kind && (kind == first || kind == CharacterKind.Mark))
        {
            end++;
        }

        if (first != CharacterKind.Upper || end == identifier.Length || Characters.Kind(identifier[end]) != CharacterKind.Lower)
        {
            return end;
        }

        // HTTPResponse: the last capital begins the next part. Response: the capital is part of it.
        if (end - at > 1)
        {
            return end - 1;
        }

        while (end < identifier.Length && Characters.Kind(identifier[end]) is CharacterKind.Lower or CharacterKind.Mark)
        {
            end++;
        }

        return end;
    }

    // The word stands in padded[1..^1], leaving room for the marks of its two ends.
    private static void AddWord(Span<char> padded, FeatureBag bag, float times)
    {
        var word = padded[1..^1];
        var weight = WordLists.WeightOf(word);
        if (weight > WordLists.StopWeight)
        {
            padded[0] = '^';
            padded[^1] = '$';
            for (var i = 0; i + 2 < padded.Length; i++)
            {
                var trigram = (ulong)padded[i] << 32 | (ulong)padded[i + 1] << 16 | padded[i + 2];
                bag.Add(Mix(trigram + TrigramSeed), TrigramWeight * weight, times);
            }
        }

        var key = WordSeed;
        foreach (var c in word[..Stemmer.Stem(word)])
        {
            key = Append(key, c);
        }

        bag.Add(Mix(key), word.Length == 1 ? LetterWeight * weight : weight, times);
    }

    /// <summary>A text without a word still needs a place of its own: an index leaves out a vector of zeros.</summary>
    private static void CollectCharacters(ReadOnlySpan<char> text, FeatureBag bag)
    {
        bag.Add(Mix(CharacterSeed), 1f, 1f);
        var key = CharacterSeed;
        foreach (var c in text)
        {
            bag.Add(Mix(c + CharacterSeed), 1f, 1f);
            key = Append(key, c);
        }

        bag.Add(Mix(key), 1f, 1f);
    }

    private static void Normalise(Span<float> vector, ulong key)
    {
        var squares = 0d;
        foreach (var value in vector)
        {
            squares += (double)value * value;
        }

        if (squares < 1e-12)
        {
            vector.Clear();
            vector[Scale(key >> 32, Dimensions)] = 1f;
            return;
        }

        var scale = 1d / Math.Sqrt(squares);
        foreach (ref var value in vector)
        {
            value = (float)(value * scale);
        }
    }

    private static ulong Append(ulong hash, char c) => (hash ^ c) * 0x100000001B3;

    private static int Scale(ulong random32, int range) => (int)(random32 * (ulong)range >> 32);

    private static ulong Mix(ulong h)
    {
        h = (h ^ h >> 33) * 0xFF51AFD7ED558CCD;
        h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53;
        return h ^ h >> 33;
    }

    // Over the word lists and the vectors of sample texts, so that no change of the model can forget to change it.
    private static string ComputeDigest()
    {
        const string samples = """
            Returns the user's addresses, sorted by distance; strings are running.
            public async Task<HTTPResponse> parseHTTPResponse_v2(int retry_count = 300) => await _client.GetAsync(url);
            # Übergrößen für Straßen – naïve café ŁÓDŹ ĳ
            Ωμέγα Ёлка 検索エンジン 한국어 ค้นหา 😀 ＦＵＬＬ１２
            x
            ?!

            """;
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        sha.AppendData(Encoding.UTF8.GetBytes(WordLists.Identity));
        var bag = new FeatureBag();
        var vector = new float[Dimensions];
        foreach (var sample in (string[])[.. samples.ReplaceLineEndings("\n").Split('\n'), samples.ReplaceLineEndings("\n")])
        {
            Embed(sample, vector, bag);
            sha.AppendData(MemoryMarshal.AsBytes<float>(vector));
        }

        return Convert.ToHexStringLower(sha.GetHashAndReset());
    }
}
