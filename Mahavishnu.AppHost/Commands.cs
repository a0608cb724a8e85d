using System.Net.Http.Headers;
using System.Net.Http.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.AppHost;

/// <summary>What the dashboard can ask of a service besides starting and stopping it.</summary>
internal static class Commands
{
    private const string Paths = "paths";

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

    private static async Task AuthorizeAsync(HttpCommandRequestContext context, IResourceBuilder<ParameterResource>? key)
    {
        if (key is not null)
        {
            context.Request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await key.Resource.GetValueAsync(context.CancellationToken));
        }
    }
}
