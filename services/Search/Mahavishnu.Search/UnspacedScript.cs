namespace Mahavishnu.Search;

/// <summary>Scripts that put no spaces between words (or, as Korean, bind particles to them). The same ranges as <c>mahavishnu_words</c> has.</summary>
internal static class UnspacedScript
{
    public static bool Has(char letter) => letter is
        >= '\u0E00' and <= '\u0EFF' or >= '\u1000' and <= '\u109F' or >= '\u1100' and <= '\u11FF' or >= '\u1780' and <= '\u17FF'
        or >= '\u3005' and <= '\u3007' or >= '\u3031' and <= '\u3035' or >= '\u3040' and <= '\u30FF' or >= '\u3130' and <= '\u318F' or >= '\u31F0' and <= '\u31FF'
        or >= '\u3400' and <= '\u4DBF' or >= '\u4E00' and <= '\u9FFF' or >= '\uA960' and <= '\uA97F' or >= '\uAC00' and <= '\uD7FF' or >= '\uF900' and <= '\uFAFF'
        or >= '\uFF66' and <= '\uFFDC';
}
