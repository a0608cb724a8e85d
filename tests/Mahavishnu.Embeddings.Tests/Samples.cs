using System.Text;

namespace Mahavishnu.Embeddings.Tests;

/// <summary>Texts of every kind of character, the same on each run.</summary>
internal static class Samples
{
    private static readonly string[] Pieces =
        ["word", "parseHTTPResponse", " ", "  ", "\n", "\r\n", "\n\n", "\t", "snake_case_2", "1234567", "().;", "naïve", "e\u0301", "検索エンジン", "😀", ". ", "Straße", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "\0", "                                   "];

    public static string Mixed(int length)
    {
        var random = 42u;
        var text = new StringBuilder();
        while (text.Length < length)
        {
            random = (random * 1664525) + 1013904223;
            text.Append(Pieces[(int)((random >> 8) % (uint)Pieces.Length)]);
        }

        return text.ToString();
    }
}
