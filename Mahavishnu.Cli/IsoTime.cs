using System.CommandLine;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli;

/// <summary>Options that take a time, and say so in one sentence whatever else they get.</summary>
internal static class IsoTime
{
    public static Option<DateTimeOffset?> Option(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "T",
        CustomParser = result =>
        {
            if (result.Tokens is [var token] && WireTime.TryParse(token.Value, out var time))
            {
                return time;
            }

            result.AddError($"{name} '{string.Join(' ', result.Tokens)}' is not an ISO 8601 time such as 2026-01-31T12:00:00Z.");
            return null;
        },
    };
}
