using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Mahavishnu.Ingest;

/// <summary>
/// <c>{"memories":[…],"mode":"insert"}</c>, taken apart without reading the items: each stays a stretch of the body, so that whatever is wrong
/// inside one (too deep, a property twice) is that item's error and nobody else's.
/// </summary>
internal sealed record BatchEnvelope(IReadOnlyList<Range> Items, string? Mode)
{
    /// <exception cref="JsonException">The body as a whole is not JSON.</exception>
    public static (BatchEnvelope? Envelope, ProblemHttpResult? Problem) Read(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
        List<Range>? items = null;
        string? mode = null;
        ProblemHttpResult? problem = null;
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            problem = Problems.Validation(JsonProblems.Body, "The value must be an object: {\"memories\": […], \"mode\": \"insert\"}.");
            reader.Skip();
        }

        // Read to the very end, also past a problem: a body cut short is told as such.
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (name.Equals("memories", StringComparison.OrdinalIgnoreCase))
            {
                problem ??= items is null ? null : Twice(name);
                items = Stretches(ref reader);
                problem ??= items is null ? Problems.Validation(name, "The value must be a list.") : null;
            }
            else if (name.Equals("mode", StringComparison.OrdinalIgnoreCase))
            {
                problem ??= mode is null ? null : Twice(name);
                mode = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
                problem ??= mode is null ? Problems.Validation(name, "The value must be a string.") : null;
                reader.Skip();
            }
            else
            {
                problem ??= Problems.Validation(name, "This property does not exist here.", ErrorCodes.UnknownProperty);
                reader.Skip();
            }
        }

        problem ??= items switch
        {
            null => Problems.Validation("memories", "A value is required."),
            { Count: > MemoryLimits.BatchItems } => Problems.Validation("memories", FormattableString.Invariant($"There are {items.Count:N0} items; at most {MemoryLimits.BatchItems:N0} are allowed.")),
            _ => null,
        };
        return problem is null ? (new BatchEnvelope(items!, mode), null) : (null, problem);
    }

    private static List<Range>? Stretches(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return null;
        }

        var items = new List<Range>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            items.Add(start..(int)reader.BytesConsumed);
        }

        return items;
    }

    private static ProblemHttpResult Twice(string name) => Problems.Validation(name, $"The property '{name}' is given twice.");
}
