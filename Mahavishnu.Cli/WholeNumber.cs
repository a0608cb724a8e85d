using System.CommandLine;
using System.Globalization;

namespace Mahavishnu.Cli;

/// <summary>Options that take a number within limits, and say so in one sentence whatever else they get.</summary>
internal static class WholeNumber
{
    public static Option<int?> Option(string name, int least, int most, string description) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result =>
        {
            if (result.Tokens is [var token] && int.TryParse(token.Value, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
            {
                return number;
            }

            result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} must be between {least} and {most}."));
            return null;
        },
    };
}
