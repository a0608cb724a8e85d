using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Mahavishnu.Contracts;
using Microsoft.Extensions.Options;
using ModelContextProtocol.Protocol;

namespace Mahavishnu.Mcp;

internal sealed record GetMemoryArguments
{
    public required Guid Id { get; init; }

    public bool? IncludeHistory { get; init; }

    [Range(ToolLimits.LeastTokens, ToolLimits.MostTokens), JsonPropertyName("max_tokens")]
    public int? MaxTokens { get; init; }
}

/// <summary>A memory with all its fields.</summary>
internal sealed record WholeMemory(
    string Notice, Guid Id, string Uri, string Type, string Source, string Content, int Version, string Embedding, DateTimeOffset OccurredAt, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt)
{
    public string? Title { get; init; }

    /// <summary>True where the content goes on.</summary>
    public bool? Cut { get; init; }
    public IReadOnlyList<string>? Tags { get; init; }
    public string? ProjectId { get; init; }
    public string? AgentId { get; init; }
    public string? WorkflowId { get; init; }
    public string? RepoId { get; init; }
    public string? SessionId { get; init; }
    public JsonElement? Metadata { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public Guid? SupersededBy { get; init; }

    /// <summary>The latest change first.</summary>
    public IReadOnlyList<FormerMemory>? History { get; init; }
}

/// <param name="Change">update, delete or restore.</param>
internal sealed record FormerMemory(int Version, string Change, DateTimeOffset ChangedAt, string Content)
{
    public string? Title { get; init; }
}

/// <summary>Reads one memory as a whole.</summary>
internal sealed class GetMemoryTool(MemoriesClient memories, IOptions<McpOptions> options) : MemoryTool<GetMemoryArguments, WholeMemory>(
    "get_memory", "Read a memory",
    "Read one memory as a whole, with its version and, if asked, its history. Call it when a hit was cut, or before update_memory.",
    ToolEffects.Reads)
{
    protected override async Task<ToolAnswer<WholeMemory>> AnswerAsync(GetMemoryArguments arguments, CancellationToken ct)
    {
        var memory = await memories.GetAsync(arguments.Id, ct);
        var former = arguments.IncludeHistory == true ? (await memories.HistoryAsync(arguments.Id, ct)).Items : [];
        var excerpts = ToolLimits.Share([memory.Content, .. former.Select(v => v.Memory.Content)], arguments.MaxTokens ?? options.Value.MaxTokens, overhead: 100);
        var history = former.Zip(excerpts.Skip(1), (v, e) => new FormerMemory(v.Version, v.Change, v.ChangedAt, e.Text) { Title = v.Memory.Title }).ToList();
        var uri = ResourceUris.Memory(memory.Id);
        var whole = new WholeMemory(
            StoredText.Notice, memory.Id, uri, memory.Type, memory.Source, excerpts[0].Text, memory.Version, memory.Embedding, memory.OccurredAt, memory.CreatedAt, memory.UpdatedAt)
        {
            Title = memory.Title,
            Cut = excerpts[0].WasCut ? true : null,
            Tags = memory.Tags.Count > 0 ? memory.Tags : null,
            ProjectId = memory.ProjectId,
            AgentId = memory.AgentId,
            WorkflowId = memory.WorkflowId,
            RepoId = memory.RepoId,
            SessionId = memory.SessionId,
            Metadata = memory.Metadata.ValueKind == JsonValueKind.Object && memory.Metadata.EnumerateObject().Any() ? memory.Metadata : null,
            ExpiresAt = memory.ExpiresAt,
            SupersededBy = memory.SupersededBy,
            History = arguments.IncludeHistory == true ? history : null,
        };
        return new(whole, Text(whole), excerpts[0].WasCut ? [new ResourceLinkBlock { Uri = uri, Name = memory.Title ?? uri, MimeType = StoredResources.PlainText }] : []);
    }

    private static string Text(WholeMemory memory)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{StoredText.Notice}\n\n[{memory.Type}] {memory.Title ?? ""} ({memory.OccurredAt:yyyy-MM-dd}, version {memory.Version}) {memory.Uri}\n{memory.Content}\n");
        foreach (var former in memory.History ?? [])
        {
            text.Append(CultureInfo.InvariantCulture, $"\nversion {former.Version}, until the {former.Change} of {former.ChangedAt:yyyy-MM-dd}: {former.Title ?? ""}\n{former.Content}\n");
        }

        return text.ToString();
    }
}
