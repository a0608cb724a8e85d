using System.CommandLine;
using System.CommandLine.Parsing;

namespace Mahavishnu.Cli;

/// <summary>Arguments and options that take ids of memories and the like, and say so in one sentence whatever else they get.</summary>
internal static class UniqueId
{
    public static Argument<Guid> Argument(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = result => result.Tokens is [var token] ? Parse(name, token, result) : default,
    };

    /// <summary>Any number of them, also none.</summary>
    public static Argument<Guid[]> Arguments(string name, string description) => new(name)
    {
        Description = description,
        Arity = ArgumentArity.ZeroOrMore,
        CustomParser = result => [.. result.Tokens.Select(token => Parse(name, token, result))],
    };

    public static Option<Guid?> Option(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "ID",
        CustomParser = result => result.Tokens is [var token] ? Parse(name, token, result) : null,
    };

    private static Guid Parse(string name, Token token, ArgumentResult result)
    {
        if (!Guid.TryParse(token.Value, out var id))
        {
            result.AddError($"{name} '{token.Value}' is not an id such as 0198c0de-0000-7000-8000-000000000001.");
        }

        return id;
    }
}
