using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Mahavishnu.Contracts;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Mcp;

internal sealed record SearchCodeArguments
{
    [Description("What the code does, or words in it")]
    public required string Query { get; init; }

    [Description("Only this repository; memory_status lists them")]
    public string? RepoId { get; init; }

    public string? ProjectId { get; init; }

    [Description("Part of the path, such as src/Search or .sql")]
    public string? Path { get; init; }

    [Description("Such as csharp, python, markdown")]
    public string? Language { get; init; }

    [Description("Part of the declared name")]
    public string? Symbol { get; init; }

    [Description("Most hits; default 10"), Range(1, SearchRequest.MaxLimit)]
    public int? Limit { get; init; }

    [Range(ToolLimits.LeastTokens, ToolLimits.MostTokens), JsonPropertyName("max_tokens")]
    public int? MaxTokens { get; init; }
}

/// <summary>Finds places in ingested repositories.</summary>
internal sealed class SearchCodeTool(SearchClient search, IOptions<McpOptions> options) : MemoryTool<SearchCodeArguments, FoundMemories>(
    "search_code", "Search code",
    "Find places in the source code and documents of all ingested repositories, by meaning and by words, with path and lines. Call it to learn where and how something is done, "
    + "also in other repositories, before you write it anew. What changed since the ingestion is in the files alone.",
    ToolEffects.Reads)
{
    protected override async Task<ToolAnswer<FoundMemories>> AnswerAsync(SearchCodeArguments arguments, CancellationToken ct)
    {
        // Reference texts that somebody stored by hand are no code.
        var conditions = new JsonArray { new JsonObject { ["field"] = "repoId", ["op"] = "exists" } };
        Condition(conditions, "path", "contains", arguments.Path);
        Condition(conditions, "language", "eq", arguments.Language);
        Condition(conditions, "symbol", "contains", arguments.Symbol);
        var response = await search.SearchAsync(
            new SearchRequest
            {
                Query = arguments.Query,
                Types = [MemoryTypes.Rag],
                RepoId = arguments.RepoId,
                ProjectId = arguments.ProjectId,
                Filter = JsonSerializer.SerializeToElement(new JsonObject { ["and"] = conditions }),
                Limit = arguments.Limit,
            },
            ct);
        return FoundMemories.Answer(response, arguments.MaxTokens ?? options.Value.MaxTokens);
    }

    private static void Condition(JsonArray conditions, string key, string operation, string? value)
    {
        if (value is not null)
        {
            conditions.Add(new JsonObject { ["field"] = $"metadata.{key}", ["op"] = operation, ["value"] = value });
        }
    }
}
