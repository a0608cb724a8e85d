using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Mcp;

internal sealed record AddMemoryArguments
{
    [Description("The memory itself, understandable without this conversation")]
    public required string Content { get; init; }

    [Description("agent (default): what was learned or done; insight: a conclusion; workflow: the outcome of a run; rag: reference text"), AllowedValues(MemoryTypes.Agent, MemoryTypes.Rag, MemoryTypes.Workflow, MemoryTypes.Insight)]
    public string? Type { get; init; }

    public string? Title { get; init; }

    public IReadOnlyList<string>? Tags { get; init; }

    [Description("The project it belongs to; without one it belongs to all")]
    public string? ProjectId { get; init; }

    public string? SessionId { get; init; }

    [Description("Who stores it")]
    public string? AgentId { get; init; }

    [Description("Facts to filter by later")]
    public JsonElement? Metadata { get; init; }

    [Description("When it happened, if not now")]
    public DateTimeOffset? OccurredAt { get; init; }

    [Description("When it may be forgotten")]
    public DateTimeOffset? ExpiresAt { get; init; }

    [Description("Of the memory this one replaces")]
    public Guid? Supersedes { get; init; }

    [Description("Your own, so that a repeated call is recognised")]
    public Guid? Id { get; init; }
}

/// <param name="Status"><c>created</c>, or <c>duplicate</c> where it was there already.</param>
internal sealed record StoredMemory(Guid Id, string Uri, string Status, int Version, string Embedding);

/// <summary>Stores one memory.</summary>
internal sealed class AddMemoryTool(MemoriesClient memories) : MemoryTool<AddMemoryArguments, StoredMemory>(
    "add_memory", "Remember",
    "Store one memory. Call it when something will matter beyond this conversation: a decision and its reason, a preference of the user, a cause that was found, how a task was solved. "
    + "One fact a call. Not for whole conversations, nor for what the repository itself says. The same content in the same project is stored once.",
    ToolEffects.Adds)
{
    protected override async Task<ToolAnswer<StoredMemory>> AnswerAsync(AddMemoryArguments arguments, CancellationToken ct)
    {
        var memory = await memories.AddAsync(
            new NewMemory
            {
                Id = arguments.Id?.ToString(),
                Type = arguments.Type,
                Source = "mcp",
                Title = arguments.Title,
                Content = arguments.Content,
                Tags = arguments.Tags,
                ProjectId = arguments.ProjectId,
                SessionId = arguments.SessionId,
                AgentId = arguments.AgentId,
                Metadata = arguments.Metadata,
                OccurredAt = arguments.OccurredAt,
                ExpiresAt = arguments.ExpiresAt,
                Supersedes = arguments.Supersedes?.ToString(),
            },
            ct);
        var uri = ResourceUris.Memory(memory.Id);
        var stored = new StoredMemory(memory.Id, uri, memory.Duplicate == true ? "duplicate" : "created", memory.Version, memory.Embedding);
        return new(stored, memory.Duplicate == true ? $"Known already: {uri}" : $"Stored: {uri}");
    }
}
