using System.CommandLine;

namespace Mahavishnu.Cli;

/// <summary>Options that take one of a few words, and say in one sentence which, whatever else they get.</summary>
internal static class OneOf
{
    public static void AcceptOnly(this Option option, params IReadOnlyCollection<string> words)
    {
        option.CompletionSources.Add([.. words]);
        option.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(t => !words.Contains(t.Value, StringComparer.Ordinal)))
            {
                result.AddError($"{option.Name} '{token.Value}' is not one of {string.Join(", ", words)}.");
            }
        });
    }
}
