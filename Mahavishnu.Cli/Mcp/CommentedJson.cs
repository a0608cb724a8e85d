using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Mahavishnu.Cli;

/// <summary>JSON as people write it, with comments and commas at the end: changed only where the change is, so that the rest stays to the letter.</summary>
internal static class CommentedJson
{
    private static readonly JsonDocumentOptions Reading = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, AllowDuplicateProperties = false };

    /// <exception cref="JsonException">Not even that.</exception>
    public static JsonNode? Parse(string text) => JsonNode.Parse(text, documentOptions: Reading);

    /// <returns><paramref name="text"/>, which says <paramref name="before"/>, as it says <paramref name="after"/>.</returns>
    /// <exception cref="InvalidDataException">A comment would be lost.</exception>
    public static string Change(string text, JsonObject before, JsonObject after, JsonSerializerOptions written)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        reader.Read();
        var work = new Work(bytes, written);
        work.Compare(Place.Read(ref reader), before, after, depth: 1);
        var changed = work.Apply();
        return JsonNode.DeepEquals(Parse(changed), after) ? changed : throw new InvalidDataException("It is written in a way that cannot be changed in place.");
    }

    /// <summary>Where a value stands, in bytes; of an object, also where its members do.</summary>
    private sealed record Place(int Start, int End, IReadOnlyList<Member>? Members)
    {
        /// <param name="reader">At the value's first token; afterwards at its last.</param>
        public static Place Read(ref Utf8JsonReader reader)
        {
            var start = (int)reader.TokenStartIndex;
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                reader.Skip();
                return new Place(start, (int)reader.BytesConsumed, null);
            }

            var members = new List<Member>();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var (name, at) = (reader.GetString()!, (int)reader.TokenStartIndex);
                reader.Read();
                members.Add(new Member(name, at, Read(ref reader)));
            }

            return new Place(start, (int)reader.BytesConsumed, members);
        }
    }

    private sealed record Member(string Name, int Start, Place Value);

    private sealed class Work(byte[] text, JsonSerializerOptions written)
    {
        private readonly List<(int Start, int End, string Text)> _edits = [];

        public void Compare(Place place, JsonObject before, JsonObject after, int depth)
        {
            var members = place.Members!;
            foreach (var member in members)
            {
                if (!after.TryGetPropertyValue(member.Name, out var now))
                {
                    Remove(members, member);
                }
                else if (before[member.Name] is JsonObject then && now is JsonObject inner)
                {
                    Compare(member.Value, then, inner, depth + 1);
                }
                else if (!JsonNode.DeepEquals(before[member.Name], now))
                {
                    Replace(member.Value.Start, member.Value.End, Written(now, Indent(members, depth)));
                }
            }

            var added = after.Where(p => !before.ContainsKey(p.Key)).ToList();
            if (added.Count == 0)
            {
                return;
            }

            var indent = Indent(members, depth);
            var lines = string.Join(",\n", added.Select(p => $"{indent}{JsonSerializer.Serialize(p.Key, written)}: {Written(p.Value, indent)}"));
            var at = AfterBrace(place.Start + 1);
            _edits.Add((at, at, members.Any(m => after.ContainsKey(m.Name)) ? $"\n{lines}," : $"\n{lines}\n{indent[..^Math.Min(2, indent.Length)]}"));
        }

        public string Apply()
        {
            var result = new MemoryStream();
            var at = 0;
            foreach (var (start, end, replacement) in _edits.OrderBy(e => e.Start))
            {
                result.Write(text, at, start - at);
                result.Write(Encoding.UTF8.GetBytes(replacement));
                at = end;
            }

            result.Write(text, at, text.Length - at);
            return Encoding.UTF8.GetString(result.GetBuffer(), 0, (int)result.Length);
        }

        private void Remove(IReadOnlyList<Member> members, Member member)
        {
            var index = members.ToList().IndexOf(member);
            var comma = Comma(member.Value.End);
            if (comma is null && index > 0 && Comma(members[index - 1].Value.End) is { } before)
            {
                // The last one: the comma before it has nothing to part any more.
                Replace(before, before + 1, "");
            }

            Replace(LineStart(member.Start), comma + 1 ?? member.Value.End, "");
        }

        private void Replace(int start, int end, string replacement)
        {
            var reader = new Utf8JsonReader(text.AsSpan(0, end), isFinalBlock: false, new JsonReaderState(new JsonReaderOptions { CommentHandling = JsonCommentHandling.Allow, AllowTrailingCommas = true }));
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.Comment && reader.TokenStartIndex >= start)
                {
                    throw new InvalidDataException("A comment stands in what has to be replaced, and would be lost.");
                }
            }

            _edits.Add((start, end, replacement));
        }

        private string Written(JsonNode? value, string indent) => (value?.ToJsonString(written) ?? "null").ReplaceLineEndings("\n").Replace("\n", "\n" + indent, StringComparison.Ordinal);

        /// <summary>As the first member has it, where it begins its line.</summary>
        private string Indent(IReadOnlyList<Member> members, int depth)
        {
            if (members.Count > 0)
            {
                var start = LineStart(members[0].Start);
                if (start < members[0].Start && (start == 0 || text[start - 1] == '\n'))
                {
                    return Encoding.UTF8.GetString(text, start, members[0].Start - start);
                }
            }

            return new string(' ', 2 * depth);
        }

        /// <summary>The beginning of the line, where nothing but spaces comes before; else the place itself.</summary>
        private int LineStart(int at)
        {
            var start = at;
            while (start > 0 && text[start - 1] is (byte)' ' or (byte)'\t')
            {
                start--;
            }

            return start == 0 || text[start - 1] == '\n' ? start : at;
        }

        /// <summary>The comma after a value; null where there is none before anything else.</summary>
        private int? Comma(int at)
        {
            while (at < text.Length && text[at] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
            {
                at++;
            }

            return at < text.Length && text[at] == ',' ? at : null;
        }

        /// <summary>A comment on the brace's own line belongs to it.</summary>
        private int AfterBrace(int brace)
        {
            var line = text.AsSpan(brace);
            var end = line.IndexOf((byte)'\n');
            line = end < 0 ? line : line[..end];
            var said = Encoding.UTF8.GetString(line).Trim();
            return end >= 0 && said.StartsWith("//", StringComparison.Ordinal) ? brace + line.Length - (line.EndsWith("\r"u8) ? 1 : 0) : brace;
        }
    }
}
