using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu embeddings add MODEL</c>: a further space, filled from the stored texts while the active one serves.</summary>
internal static class AddSpaceCommand
{
    private const int MostPerSecond = 1_000_000;

    public static Command Create(ServiceVerbs verbs)
    {
        var model = new Argument<string>("MODEL") { Description = $"The model's name, such as nomic-embed-text; {EmbeddingProviders.Builtin} is the built-in one" };
        var provider = new Option<string?>("--provider") { Description = "ollama or builtin; default: builtin for the built-in model, else ollama", HelpName = "P" };
        provider.AcceptOnly(EmbeddingProviders.Ollama, EmbeddingProviders.Builtin);
        var profile = new Option<string?>("--profile") { Description = "Which words go before documents and questions; default: what is known of the model, else none", HelpName = "P" };
        var distance = new Option<string?>("--distance") { Description = "cosine (default), l2 or ip", HelpName = "D" };
        distance.AcceptOnly("cosine", "l2", "ip");
        var rate = WholeNumber.Option("--rate", 1, MostPerSecond, "Most memories a second; default: as fast as the model goes");
        var noWait = new Option<bool>("--no-wait") { Description = "Return once the work is accepted" };

        return verbs.On(
            new Command("add", "Embed every memory with a further model, while searches go on with the active one; adding it again goes on where it stopped") { model, provider, profile, distance, rate, noWait },
            async (call, ct) =>
            {
                var request = new AddEmbeddingSpaceRequest
                {
                    Model = call.Parsed.GetRequiredValue(model),
                    Provider = call.Parsed.GetValue(provider),
                    PrefixProfile = call.Parsed.GetValue(profile),
                    Distance = call.Parsed.GetValue(distance),
                    RatePerSecond = call.Parsed.GetValue(rate),
                };
                var operation = await call.Admin.AddSpaceAsync(request, ct);
                if (call.Parsed.GetValue(noWait))
                {
                    call.Answer(operation, () => call.Terminal.Say($"accepted: operation {operation.Id}; `mahavishnu embeddings list` says how far it is"));
                    call.SayWhoGoesOn();
                }
                else
                {
                    operation = await Following.OperationAsync(call.Http, operation, $"embedding with {request.Model}", call.Terminal, ct);
                    call.Answer(operation, () => { });
                    Report(request, operation, call.Terminal);
                }

                return operation.State is OperationStates.Failed or OperationStates.Cancelled ? ExitCode.Failed : ExitCode.Done;
            });
    }

    private static void Report(AddEmbeddingSpaceRequest request, Operation operation, Terminal terminal)
    {
        if (operation.Error is { } error)
        {
            terminal.Say($"{request.Model}: {error.Message}");
        }
        else if (operation.Result is { } json && json.Deserialize<EmbeddingSpaceResult>(WireJson.Lenient) is { } result)
        {
            terminal.Say(string.Create(
                CultureInfo.InvariantCulture,
                $"space {result.SpaceId} ({result.Model}, {result.Dimensions} dimensions) has {result.Memories:N0} memories, {result.Failed:N0} failed, in {result.Seconds:0.0} s"));
            terminal.Say(string.Create(
                CultureInfo.InvariantCulture,
                $"`mahavishnu embeddings compare {result.SpaceId}` says how it does, `mahavishnu embeddings activate {result.SpaceId}` searches with it"));
        }
        else
        {
            terminal.Say($"{request.Model}: {operation.State}");
        }
    }
}
