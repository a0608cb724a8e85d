using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using Mahavishnu.Contracts;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Mcp;

internal sealed record SearchMemoriesArguments
{
    [Description("What you want to know, as a question or in a few words")]
    public required string Query { get; init; }

    [Description("Most hits; default 10"), Range(1, SearchRequest.MaxLimit)]
    public int? Limit { get; init; }

    [AllowedValues(SearchModes.Hybrid, SearchModes.Vector, SearchModes.Text)]
    public string? Mode { get; init; }

    [Description("rag is code and documents"), AllowedValues(MemoryTypes.Agent, MemoryTypes.Rag, MemoryTypes.Workflow, MemoryTypes.Insight)]
    public IReadOnlyList<string>? Types { get; init; }

    [Description("Default: all projects")]
    public string? ProjectId { get; init; }

    [Description("Also around projectId: dependencies, groups, shared")]
    public bool? Across { get; init; }

    public string? SessionId { get; init; }

    public string? AgentId { get; init; }

    public string? RepoId { get; init; }

    [Description("All of them")]
    public IReadOnlyList<string>? Tags { get; init; }

    public DateTimeOffset? After { get; init; }

    public DateTimeOffset? Before { get; init; }

    [Description("What was valid then")]
    public DateTimeOffset? AsOf { get; init; }

    public bool? IncludeSuperseded { get; init; }

    [Description("{field: metadata.KEY, op: eq|ne|lt|lte|gt|gte|in|contains|exists, value}; combine with and, or, not")]
    public JsonElement? Filter { get; init; }

    public bool? Explain { get; init; }

    [Range(ToolLimits.LeastTokens, ToolLimits.MostTokens), JsonPropertyName("max_tokens")]
    public int? MaxTokens { get; init; }
}

/// <summary>Finds memories by meaning and by words.</summary>
internal sealed class SearchMemoriesTool(SearchClient search, IOptions<McpOptions> options) : MemoryTool<SearchMemoriesArguments, FoundMemories>(
    "search_memories", "Search memories",
    "Find what was said, decided, learned or done before, by meaning and by words, best first. Call it before you start a task, before you answer about earlier work, preferences or decisions, "
    + "and when something fails that may have failed before. For source code call search_code. No hit means nothing is stored about it.",
    ToolEffects.Reads)
{
    protected override async Task<ToolAnswer<FoundMemories>> AnswerAsync(SearchMemoriesArguments arguments, CancellationToken ct)
    {
        if (arguments is { Across: true, ProjectId: null })
        {
            throw new ToolRefusal("across: needs projectId, the project that asks. Without either, all projects are searched.");
        }

        var request = new SearchRequest
        {
            Query = arguments.Query,
            Limit = arguments.Limit,
            Mode = arguments.Mode,
            Types = arguments.Types,
            ProjectId = arguments.ProjectId,
            SessionId = arguments.SessionId,
            AgentId = arguments.AgentId,
            RepoId = arguments.RepoId,
            Tags = arguments.Tags,
            After = arguments.After,
            Before = arguments.Before,
            AsOf = arguments.AsOf,
            IncludeSuperseded = arguments.IncludeSuperseded,
            Filter = arguments.Filter,
            Explain = arguments.Explain,
        };
        var response = arguments.Across == true ? await search.AcrossProjectsAsync(new ProjectSearchRequest(request), ct) : await search.SearchAsync(request, ct);
        return FoundMemories.Answer(response, arguments.MaxTokens ?? options.Value.MaxTokens);
    }
}
