using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using Mahavishnu.Contracts;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Mcp;

internal sealed record ListMemoriesArguments
{
    [AllowedValues(MemoryTypes.Agent, MemoryTypes.Rag, MemoryTypes.Workflow, MemoryTypes.Insight)]
    public string? Type { get; init; }

    public string? Source { get; init; }

    public string? ProjectId { get; init; }

    public string? SessionId { get; init; }

    public string? AgentId { get; init; }

    public string? RepoId { get; init; }

    public string? Tag { get; init; }

    public DateTimeOffset? After { get; init; }

    public DateTimeOffset? Before { get; init; }

    public bool? IncludeDeleted { get; init; }

    [Description("Most of a page; default 20"), Range(1, 100)]
    public int? Limit { get; init; }

    [Description("nextCursor of the page before")]
    public string? Cursor { get; init; }

    [Range(ToolLimits.LeastTokens, ToolLimits.MostTokens), JsonPropertyName("max_tokens")]
    public int? MaxTokens { get; init; }
}

internal sealed record ListedMemories(string Notice, IReadOnlyList<ListedMemory> Items)
{
    /// <summary>Absent on the last page.</summary>
    public string? NextCursor { get; init; }
}

internal sealed record ListedMemory(Guid Id, string Uri, string Type, string Source, string Content, int Version, DateTimeOffset OccurredAt)
{
    public string? Title { get; init; }

    /// <summary>True where the content goes on.</summary>
    public bool? Cut { get; init; }
    public IReadOnlyList<string>? Tags { get; init; }
    public string? ProjectId { get; init; }
    public string? SessionId { get; init; }
    public DateTimeOffset? DeletedAt { get; init; }
}

/// <summary>Lists memories by what they are, not by what they mean.</summary>
internal sealed class ListMemoriesTool(MemoriesClient memories, IOptions<McpOptions> options) : MemoryTool<ListMemoriesArguments, ListedMemories>(
    "list_memories", "List memories",
    "List memories by type, project, session, tag or time, newest arrivals first, page by page. Call it to see what there is or what came in lately; to find something call search_memories.",
    ToolEffects.Reads)
{
    private const int UsualLimit = 20;

    // Of an item besides its texts.
    private const int ItemBytes = 250;

    protected override async Task<ToolAnswer<ListedMemories>> AnswerAsync(ListMemoriesArguments arguments, CancellationToken ct)
    {
        var maxTokens = arguments.MaxTokens ?? options.Value.MaxTokens;
        // A page is no longer than the answer has room for, so that its cursor leaves nothing out.
        var limit = Math.Min(arguments.Limit ?? UsualLimit, ToolLimits.Fitting(maxTokens, ItemBytes));
        var page = await memories.ListAsync(
            [
                new("type", arguments.Type),
                new("source", arguments.Source),
                new("projectId", arguments.ProjectId),
                new("sessionId", arguments.SessionId),
                new("agentId", arguments.AgentId),
                new("repoId", arguments.RepoId),
                new("tag", arguments.Tag),
                new("after", arguments.After is { } after ? WireTime.Format(after) : null),
                new("before", arguments.Before is { } before ? WireTime.Format(before) : null),
                new("includeDeleted", arguments.IncludeDeleted == true ? "true" : null),
                new("limit", limit.ToString(CultureInfo.InvariantCulture)),
                new("cursor", arguments.Cursor),
            ],
            ct);
        var excerpts = ToolLimits.Share([.. page.Items.Select(m => m.Content)], maxTokens, ItemBytes);
        var list = new ListedMemories(StoredText.Notice, [.. excerpts.Zip(page.Items, Item)]) { NextCursor = page.NextCursor };
        return new(list, Text(list));
    }

    private static ListedMemory Item(Excerpt excerpt, Memory memory) =>
        new(memory.Id, ResourceUris.Memory(memory.Id), memory.Type, memory.Source, excerpt.Text, memory.Version, memory.OccurredAt)
        {
            Title = memory.Title,
            Cut = excerpt.WasCut ? true : null,
            Tags = memory.Tags.Count > 0 ? memory.Tags : null,
            ProjectId = memory.ProjectId,
            SessionId = memory.SessionId,
            DeletedAt = memory.DeletedAt,
        };

    private static string Text(ListedMemories list)
    {
        var text = new StringBuilder(list.Items.Count == 0 ? "There are none." : StoredText.Notice).Append('\n');
        foreach (var item in list.Items)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n[{item.Type}] {item.Title ?? ""} ({item.OccurredAt:yyyy-MM-dd}{(item.DeletedAt is null ? "" : ", deleted")}) {item.Uri}\n{item.Content}\n");
        }

        if (list.NextCursor is { } cursor)
        {
            text.Append(CultureInfo.InvariantCulture, $"\nMore with cursor {cursor}\n");
        }

        return text.ToString();
    }
}
