using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Mahavishnu.Contracts;

namespace Mahavishnu.ServiceDefaults;

/// <summary>Turns what the JSON reader says into what a caller can act on: the field, in the caller's own words, and what is wrong with it.</summary>
public static partial class JsonProblems
{
    /// <summary>Name of the field where the whole body, not one of its properties, is at fault.</summary>
    public const string Body = "body";

    /// <returns>
    /// The field as a path (<c>memories[3].tags</c>; <c>body</c> for the whole), and a message without .NET's type names.
    /// A property that does not exist is named by its own path.
    /// </returns>
    public static (string Field, string Message) Describe(JsonException exception)
    {
        var (field, message, _) = Explain(exception);
        return (field, message);
    }

    /// <returns><see cref="ErrorCodes.MalformedJson"/>, <see cref="ErrorCodes.UnknownProperty"/> or <see cref="ErrorCodes.InvalidRequest"/>.</returns>
    public static string CodeOf(JsonException exception) => Explain(exception).Code;

    internal static (string Field, string Message, string Code) Explain(JsonException exception)
    {
        var field = FieldOf(exception.Path);
        if (IsMalformed(exception))
        {
            return (Body, Malformed(exception), ErrorCodes.MalformedJson);
        }

        // "The JSON property 'foo' could not be mapped to any .NET member contained in type 'NewMemory'."
        if (exception.Message.Contains("could not be mapped to any .NET member", StringComparison.Ordinal))
        {
            return (field, "This property does not exist here.", ErrorCodes.UnknownProperty);
        }

        // "Duplicate property 'x' encountered during deserialization of type 'Req'."
        if (Duplicate().Match(exception.Message) is { Success: true } twice)
        {
            return (field, $"The property '{twice.Groups["name"].Value}' is given twice.", ErrorCodes.InvalidRequest);
        }

        // "JSON deserialization for type 'R' was missing required properties including: 'x', 'y'."
        if (Missing().Match(exception.Message) is { Success: true } missing)
        {
            var name = missing.Groups["name"].Value;
            return (field == Body ? name : $"{field}.{name}", "This property is required.", ErrorCodes.InvalidRequest);
        }

        return (field, WrongValue(exception), ErrorCodes.InvalidRequest);
    }

    /// <summary>$.memories[3].tags → memories[3].tags; $.metadata['a b'].c → metadata['a b'].c; $ → body.</summary>
    internal static string FieldOf(string? path) => path switch
    {
        null or "" or "$" => Body,
        _ when path.StartsWith("$.", StringComparison.Ordinal) => path[2..],
        _ when path[0] == '$' => path[1..],
        _ => path,
    };

    // The reader's own exception type is internal; the serializer wraps it.
    private static bool IsMalformed(JsonException exception) => ReaderError(exception) is not null;

    private static JsonException? ReaderError(JsonException exception) =>
        exception.GetType() != typeof(JsonException) ? exception
        : exception.InnerException is JsonException inner && inner.GetType() != typeof(JsonException) ? inner
        : null;

    private static string Malformed(JsonException exception)
    {
        var error = ReaderError(exception)!;
        if (error.Message.StartsWith("The input does not contain any JSON tokens", StringComparison.Ordinal))
        {
            return "The body is empty; JSON is expected.";
        }

        // "'x' is an invalid start of a value. LineNumber: 0 | BytePositionInLine: 6." counts from 0; people and editors count from 1.
        var line = ((exception.LineNumber ?? error.LineNumber ?? 0) + 1).ToString(CultureInfo.InvariantCulture);
        var position = ((exception.BytePositionInLine ?? error.BytePositionInLine ?? 0) + 1).ToString(CultureInfo.InvariantCulture);
        return $"Not valid JSON at line {line}, position {position}: {Position().Replace(error.Message, "").Trim()}";
    }

    private static string WrongValue(JsonException exception)
    {
        var inner = exception.InnerException?.Message ?? "";

        // "Cannot get the value of a token type 'String' as a number."
        if (TokenType().Match(inner) is { Success: true } token)
        {
            return Expected(token.Groups["expected"].Value, token.Groups["given"].Value);
        }

        if (inner.Contains("surrogate", StringComparison.Ordinal) || inner.Contains("UTF-8", StringComparison.Ordinal))
        {
            return "The text is not valid Unicode.";
        }

        // "Either the JSON value is not in a supported format, or is out of bounds for an Int32."
        if (inner.Contains("supported", StringComparison.Ordinal) && inner.Contains("format", StringComparison.Ordinal))
        {
            return ExpectedType(inner);
        }

        // "The JSON value could not be converted to System.Nullable`1[System.Guid]. Path: $.id | LineNumber: 0 | BytePositionInLine: 10."
        if (Converted().Match(exception.Message) is { Success: true } converted)
        {
            return ExpectedType(converted.Groups["type"].Value);
        }

        // Our own converters say in full what they want.
        return Position().Replace(exception.Message, "").Trim();
    }

    private static string Expected(string expected, string given) => given == "Null" ? "The value must not be null." : expected switch
    {
        "number" => "The value must be a number.",
        "string" => "The value must be a string.",
        "boolean" => "The value must be true or false.",
        "object" => "The value must be an object.",
        "array" => "The value must be a list.",
        _ => "The value has the wrong type.",
    };

    internal static string ExpectedType(string type) => type switch
    {
        _ when type.Contains("Guid", StringComparison.Ordinal) => "The value must be a UUID such as 0198c0de-0000-7000-8000-000000000000.",
        _ when type.Contains("DateTime", StringComparison.Ordinal) => "The value must be an ISO 8601 time such as 2026-01-31T12:00:00Z.",
        _ when type.Contains("Dictionary", StringComparison.Ordinal) => "The value must be an object.",
        _ when type.Contains("List", StringComparison.Ordinal) || type.Contains("Collection", StringComparison.Ordinal)
            || type.Contains("Enumerable", StringComparison.Ordinal) || type.EndsWith("[]", StringComparison.Ordinal) => "The value must be a list.",
        _ when WholeNumber().IsMatch(type) => "The value must be a whole number within its range.",
        _ when FractionalNumber().IsMatch(type) => "The value must be a number.",
        _ when type.Contains("Bool", StringComparison.OrdinalIgnoreCase) => "The value must be true or false.",
        _ when type.Contains("String", StringComparison.OrdinalIgnoreCase) => "The value must be a string.",
        _ when type.StartsWith("System.", StringComparison.Ordinal) && !type.StartsWith("System.Text.Json", StringComparison.Ordinal) => "The value has the wrong type.",
        _ => "The value must be an object.",
    };

    private const RegexOptions Options = RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture;

    [GeneratedRegex(@"^Duplicate property '(?<name>.*)' encountered", Options, 1000)]
    private static partial Regex Duplicate();

    [GeneratedRegex(@"missing required properties including: '(?<name>[^']+)'", Options, 1000)]
    private static partial Regex Missing();

    [GeneratedRegex(@"token type '(?<given>\w+)' as an? (?<expected>\w+)", Options, 1000)]
    private static partial Regex TokenType();

    [GeneratedRegex(@"could not be converted to (?<type>.+?)\. Path:", Options, 1000)]
    private static partial Regex Converted();

    [GeneratedRegex(@"\s*(Path: .*?\|\s*)?LineNumber: \d+ \| BytePositionInLine: \d+\.?", Options, 1000)]
    private static partial Regex Position();

    [GeneratedRegex(@"U?Int(16|32|64)|S?Byte\b|\bu?int\b|\bu?long\b|\bu?short\b", Options, 1000)]
    private static partial Regex WholeNumber();

    [GeneratedRegex(@"Double|Single|Decimal|\bdouble\b|\bfloat\b|\bdecimal\b", Options, 1000)]
    private static partial Regex FractionalNumber();
}
