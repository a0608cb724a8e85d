using System.Globalization;
using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.Benchmarks;

/// <summary>Questions of the same mixture as the memories, in the table nowhere. A question's text says which vector it has, without a word more than those meant to be searched.</summary>
internal static class SyntheticQuestion
{
    /// <summary>How many there are with the nearest memories known.</summary>
    public const int Count = 200;

    private const int Bits = 12;
    private const string Marks = "?!";

    /// <summary>A model that knows them.</summary>
    public static StandInModel Model { get; } = new("synthetic-embed", SyntheticVectors.Dimensions) { Given = text => NumberOf(text) is { } number ? Vector(number) : null };

    public static float[] Vector(int number) => SyntheticVectors.Of(-1 - number);

    /// <summary>Any words, and the vector of the question of this number.</summary>
    public static string Text(string words, int number) =>
        string.Create(CultureInfo.InvariantCulture, $"{words} {new string([.. Enumerable.Range(0, Bits).Select(bit => Marks[number >> bit & 1])])}");

    /// <summary>One word of a class.</summary>
    public static string Text(WordClass kind, int number) => Text(SyntheticTexts.WordOf(kind, number), number);

    /// <summary>Eight words as they come: common ones, rare ones, those of the cluster.</summary>
    public static string Text(int number) => Text(SyntheticTexts.Question(number, SyntheticVectors.ClusterOf(-1 - number), 8), number);

    // "dobaf ?!!??!??????": the marks are no words, and tell the questions apart.
    private static int? NumberOf(string text)
    {
        if (text.Length < Bits || text[^Bits..] is var marks && !marks.All(Marks.Contains))
        {
            return null;
        }

        return Enumerable.Range(0, Bits).Sum(bit => Marks.IndexOf(marks[bit], StringComparison.Ordinal) << bit);
    }
}
