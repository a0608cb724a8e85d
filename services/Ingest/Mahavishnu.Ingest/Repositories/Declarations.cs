using System.Collections.Frozen;

namespace Mahavishnu.Ingest;

/// <summary>Recognises a line of source code that declares a type, a function or a member, in the common languages at once.</summary>
internal static class Declarations
{
    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Modifiers = Words("""
        public private protected internal static abstract sealed partial readonly async export default pub unsafe extern final override virtual open data inline declare suspend new required
        native synchronized transient volatile explicit implicit operator fileprivate mutating lazy local inner companion case noexcept constexpr consteval friend crate event
        """);

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Types = Words("""
        class struct interface enum record trait impl protocol extension object union actor contract library message service resource module defmodule mod defprotocol
        """);

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Functions = Words("""
        func fn function fun def defp defmacro sub proc macro_rules type typedef macro task constructor init deinit delegate
        """);

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Bindings = Words("const let var val");

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Control = Words("""
        if else for foreach while switch catch finally try return throw do using lock await yield when match with unless until elif case goto assert print break continue delete select
        """);

    /// <param name="line">The line without blanks at its ends.</param>
    /// <param name="shapes">Whether a line may declare by its shape (<c>int main(void) {</c>), not by a keyword alone.</param>
    /// <param name="name">What is declared; may be empty.</param>
    /// <param name="isContainer">Whether it is a type, whose members follow.</param>
    public static bool TryRead(ReadOnlySpan<char> line, bool shapes, out ReadOnlySpan<char> name, out bool isContainer)
    {
        name = default;
        isContainer = false;
        if (!char.IsAsciiLetter(line[0]) && line[0] is not ('_' or '~'))
        {
            return false;
        }

        var rest = line;
        var modified = false;
        var word = NextWord(ref rest);
        while (Modifiers.Contains(word))
        {
            modified = true;
            rest = rest.StartsWith("(") ? rest[(rest.IndexOf(')') + 1)..].TrimStart() : rest; // pub(crate)
            word = NextWord(ref rest);
        }

        if (Types.Contains(word))
        {
            isContainer = true;
            name = NameOfType(rest);
            return !name.IsEmpty;
        }

        if (word is "namespace" or "package")
        {
            // Says where things are, not what they are.
            return true;
        }

        if (Functions.Contains(word))
        {
            name = NameOfFunction(rest, word);
            return true;
        }

        if (!shapes || Control.Contains(word))
        {
            return false;
        }

        return Bindings.Contains(word) ? IsFunctionValue(rest, out name) : HasShape(line, modified, out name);
    }

    // struct Point<T> …, record struct X, enum class Colour, impl<T> Display for Point<T>
    private static ReadOnlySpan<char> NameOfType(ReadOnlySpan<char> rest)
    {
        if (rest.StartsWith("<") && rest.IndexOf('>') is > 0 and var generic)
        {
            rest = rest[(generic + 1)..].TrimStart();
        }

        var name = NextWord(ref rest);
        while (Types.Contains(name) && !rest.IsEmpty)
        {
            name = NextWord(ref rest);
        }

        if (rest.StartsWith("for "))
        {
            rest = rest[4..].TrimStart();
            name = NextWord(ref rest);
        }

        return name;
    }

    // func (r *Reader) Read(p []byte), def parse(text):, function(cmake_name arguments)
    private static ReadOnlySpan<char> NameOfFunction(ReadOnlySpan<char> rest, ReadOnlySpan<char> keyword)
    {
        if (rest.StartsWith("(") && keyword is "func" && rest.IndexOf(')') is > 0 and var receiver)
        {
            rest = rest[(receiver + 1)..].TrimStart();
        }

        rest = rest.TrimStart("*(").TrimStart();
        var name = NextWord(ref rest);
        while (rest.StartsWith(".") && rest.Length > 1 && IsNamePart(rest[1]))
        {
            rest = rest[1..];
            name = NextWord(ref rest);
        }

        return name;
    }

    // const handler = async (request) => {
    private static bool IsFunctionValue(ReadOnlySpan<char> rest, out ReadOnlySpan<char> name)
    {
        name = NextWord(ref rest);
        return !name.IsEmpty && rest.Contains('=') && (rest.Contains("=>", StringComparison.Ordinal) || rest.Contains("function", StringComparison.Ordinal));
    }

    // A name before a bracket at the end of words, and nothing that makes it a call: int main(void) {   render(props) {   public int Count { get; }
    private static bool HasShape(ReadOnlySpan<char> line, bool modified, out ReadOnlySpan<char> name)
    {
        name = default;
        var stop = line.IndexOfAny("({=;");
        if (stop <= 0 || (line[stop] != '(' && !modified))
        {
            return false;
        }

        var head = line[..stop].TrimEnd();
        if (head.EndsWith(">") && head.LastIndexOf('<') is > 0 and var generic)
        {
            head = head[..generic];
        }

        var start = head.Length;
        while (start > 0 && IsNamePart(head[start - 1]))
        {
            start--;
        }

        name = head[start..];
        var last = line[^1];
        var isCall = start > 0 && head[start - 1] == '.';
        return !name.IsEmpty && !isCall && (modified || last == '{' || (start > 0 && last is ')' && head[..start].EndsWith(" ")));
    }

    private static ReadOnlySpan<char> NextWord(scoped ref ReadOnlySpan<char> text)
    {
        var end = 0;
        while (end < text.Length && IsNamePart(text[end]))
        {
            end++;
        }

        var word = text[..end];
        text = text[end..].TrimStart();
        return word;
    }

    private static bool IsNamePart(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '$' || c > '\u00BF';

    private static FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Words(string words) =>
        words.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
}
