using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu embeddings index ID</c>: a space's vector index built anew, or as another kind; searches use the one there is until then.</summary>
internal static class IndexSpaceCommand
{
    private const int MostLists = 32_768;

    public static Command Create(ServiceVerbs verbs)
    {
        var space = SpaceChoice.Argument();
        var kind = new Option<string?>("--kind") { Description = $"{string.Join(", ", VectorIndexKinds.All)}, from now on; default: what it has been so far", HelpName = "K" };
        kind.AcceptOnly([.. VectorIndexKinds.All]);
        var lists = WholeNumber.Option("--lists", 1, MostLists, "Lists of ivfflat; default: as the settings say, 500");
        var probes = WholeNumber.Option("--probes", 1, MostLists, "Lists of ivfflat that a search reads; default: the square root of those there are");
        var noWait = new Option<bool>("--no-wait") { Description = "Return once the work is accepted" };

        return verbs.On(
            new Command("index", "Build the vector index of a space anew, or as another kind, beside searches and writes") { space, kind, lists, probes, noWait },
            async (call, ct) =>
            {
                var chosen = SpaceChoice.Find(call.Parsed.GetRequiredValue(space), (await call.Admin.EmbeddingsAsync(ct)).Spaces);
                var request = new BuildIndexRequest { Kind = call.Parsed.GetValue(kind), Lists = call.Parsed.GetValue(lists), Probes = call.Parsed.GetValue(probes) };
                var operation = await call.Admin.BuildIndexAsync(chosen.Id, request, ct);
                if (call.Parsed.GetValue(noWait))
                {
                    call.Answer(operation, () => call.Terminal.Say($"accepted: operation {operation.Id}; `mahavishnu embeddings list` says when it is there"));
                    call.SayWhoGoesOn();
                }
                else
                {
                    operation = await Following.OperationAsync(call.Http, operation, "indexing", call.Terminal, ct);
                    call.Answer(operation, () => { });
                    call.Terminal.Say($"space {SpaceChoice.Describe(chosen)}: {Outcome(operation)}");
                }

                return operation.State is OperationStates.Failed or OperationStates.Cancelled ? ExitCode.Failed : ExitCode.Done;
            });
    }

    private static string Outcome(Operation operation)
    {
        if (operation.Error is { } error)
        {
            return error.Message;
        }

        if (operation.Result is not { } json || json.Deserialize<IndexResult>(WireJson.Lenient) is not { } result)
        {
            return operation.State;
        }

        return result switch
        {
            { Note: { } note } => note,
            { Kind: VectorIndexKinds.None } => "no index: every vector in scope is compared",
            _ => string.Create(
                CultureInfo.InvariantCulture,
                $"index {EmbeddingView.Index(result.Kind, result.Lists, result.Probes)} over {result.Vectors:N0} vectors, {EmbeddingView.Size(result.Bytes)}, in {result.Seconds:0.0} s"),
        };
    }
}
