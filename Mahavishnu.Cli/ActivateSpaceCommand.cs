using System.CommandLine;
using System.Globalization;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu embeddings activate ID</c>: from now on searches use that space.</summary>
internal static class ActivateSpaceCommand
{
    public static Command Create(ServiceVerbs verbs)
    {
        var space = SpaceChoice.Argument();
        var force = new Option<bool>("--force") { Description = "Also where it is not filled yet, or finds worse than the active one" };
        return verbs.On(
            new Command("activate", "Search with this space from now on; the one before stays filled, so that activating it goes back") { space, force },
            async (call, ct) =>
            {
                var chosen = SpaceChoice.Find(call.Parsed.GetRequiredValue(space), (await call.Admin.EmbeddingsAsync(ct)).Spaces);
                var activation = await ActivateAsync(call, chosen, call.Parsed.GetValue(force), ct);
                call.Answer(activation, () => Write(activation, call.Terminal));
                return ExitCode.Done;
            });
    }

    private static async Task<SpaceActivation> ActivateAsync(ServiceCall call, EmbeddingSpaceInfo space, bool force, CancellationToken ct)
    {
        try
        {
            return await call.Admin.ActivateSpaceAsync(space.Id, force, ct);
        }
        catch (ApiException e) when (e.Code == ErrorCodes.Conflict && !force && space.State != EmbeddingSpaceStates.Dropping)
        {
            throw new CliException(string.Create(CultureInfo.InvariantCulture, $"{e.Message}\n`mahavishnu embeddings activate {space.Id} --force` does it all the same"));
        }
    }

    private static void Write(SpaceActivation activation, Terminal terminal)
    {
        if (activation.Comparison is { } comparison)
        {
            CompareSpacesCommand.Write(comparison, terminal);
        }

        terminal.Say(string.Create(CultureInfo.InvariantCulture, $"searches now use space {activation.SpaceId} ({activation.Model})"));
        if (activation.PreviousId is { } previous && previous != activation.SpaceId)
        {
            terminal.Say(string.Create(CultureInfo.InvariantCulture, $"`mahavishnu embeddings activate {previous}` goes back; `mahavishnu embeddings drop {previous}` frees its disk once you are sure"));
        }
    }
}
