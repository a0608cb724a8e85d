using System.Net.Http.Headers;
using System.Net.Http.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.AppHost;

/// <summary>What the dashboard can ask of a service besides starting and stopping it.</summary>
internal static class Commands
{
    private const string Paths = "paths";
    private const string Space = "space";
    private const string Kind = "kind";
    private const string AsItIs = "";

    public static IResourceBuilder<ProjectResource> WithImportCommand(this IResourceBuilder<ProjectResource> migration, IResourceBuilder<ParameterResource>? key) =>
        migration.WithHttpCommand($"{Resources.Api}/imports", "Import Session-Buddy files", commandName: "import", commandOptions: new()
        {
            Description = "Takes over the memories of DuckDB files, or of folders that hold some. What is there already is not taken twice.",
            IconName = "DatabaseArrowUp",
            Arguments =
            [
                new() { Name = Paths, Label = "Files or folders", Description = "Full paths, separated by semicolons, under Ingest:Roots.", InputType = InputType.Text, Required = true },
            ],
            PrepareRequest = async context =>
            {
                var paths = context.Arguments.GetString(Paths)?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
                context.Request.Content = JsonContent.Create(new { paths });
                await AuthorizeAsync(context, key);
            },
            ResultMode = HttpCommandResultMode.Json,
        });

    public static IResourceBuilder<ProjectResource> WithIndexCommand(this IResourceBuilder<ProjectResource> ingest, IResourceBuilder<ParameterResource>? key) =>
        ingest.WithHttpCommand($"{Resources.Api}/{Resources.Embeddings}", "Build a vector index", commandName: "index", commandOptions: new()
        {
            Description = "Builds the index of an embedding space anew, or as another kind. Searches use the one there is until then; nobody waits.",
            IconName = "DatabaseLightning",
            Arguments =
            [
                new() { Name = Space, Label = "Embedding space", Description = "Its id: `mahavishnu embeddings list` has them.", InputType = InputType.Number, Required = true, Value = "1" },
                new()
                {
                    Name = Kind, Label = "Kind", InputType = InputType.Choice, Value = AsItIs,
                    Options = [KeyValuePair.Create(AsItIs, "as it is"), .. VectorIndexKinds.All.Select(k => KeyValuePair.Create(k, k))],
                },
            ],
            PrepareRequest = async context =>
            {
                var kind = context.Arguments.GetString(Kind);
                // The path of a command is fixed, and this one names a space.
                context.Request.RequestUri = IndexOf(context.Request.RequestUri!, context.Arguments.GetString(Space));
                context.Request.Content = JsonContent.Create(new { kind = string.IsNullOrEmpty(kind) ? null : kind });
                await AuthorizeAsync(context, key);
            },
            ResultMode = HttpCommandResultMode.Json,
        });

    private static Uri IndexOf(Uri embeddings, string? space) =>
        new UriBuilder(embeddings) { Path = $"{Resources.Api}/{Resources.Embeddings}/{Uri.EscapeDataString(space?.Trim() ?? "")}:index" }.Uri;

    private static async Task AuthorizeAsync(HttpCommandRequestContext context, IResourceBuilder<ParameterResource>? key)
    {
        if (key is not null)
        {
            context.Request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await key.Resource.GetValueAsync(context.CancellationToken));
        }
    }
}
