using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;

namespace Mahavishnu.Mcp;

internal sealed record UpdateMemoryArguments
{
    public required Guid Id { get; init; }

    [Description("The version you read: refused where somebody changed it since"), Range(1, int.MaxValue)]
    public int? Version { get; init; }

    public string? Content { get; init; }

    public string? Title { get; init; }

    [Description("Replaces all tags")]
    public IReadOnlyList<string>? Tags { get; init; }

    public string? ProjectId { get; init; }

    [Description("Replaces all metadata")]
    public JsonElement? Metadata { get; init; }

    public DateTimeOffset? OccurredAt { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    [Description("Fields to empty"), AllowedValues("title", "tags", "projectId", "metadata", "expiresAt")]
    public IReadOnlyList<string>? Clear { get; init; }
}

internal sealed record ChangedMemory(Guid Id, string Uri, int Version, string Embedding, DateTimeOffset UpdatedAt);

/// <summary>Changes a memory; what it was is kept.</summary>
internal sealed class UpdateMemoryTool(MemoriesClient memories) : MemoryTool<UpdateMemoryArguments, ChangedMemory>(
    "update_memory", "Correct a memory",
    "Correct or complete one memory; only the fields you give change, and what it was stays in its history. Call it when a stored memory turns out wrong or outdated, instead of storing a second one that contradicts it.",
    ToolEffects.Replaces)
{
    protected override async Task<ToolAnswer<ChangedMemory>> AnswerAsync(UpdateMemoryArguments arguments, CancellationToken ct)
    {
        var patch = JsonSerializer.SerializeToNode(arguments with { Version = null, Clear = null }, WireSchema.Json)!.AsObject();
        patch.Remove("id");
        foreach (var field in arguments.Clear ?? [])
        {
            if (!patch.TryAdd(field, field == "tags" ? new JsonArray() : null))
            {
                throw new ToolRefusal($"clear: {field} is given a value in the same call. Leave one of them out.");
            }
        }

        if (patch.Count == 0)
        {
            throw new ToolRefusal("Nothing to change: give content, title, tags, projectId, metadata, occurredAt, expiresAt or clear.");
        }

        // Without a version the change is meant for whatever it says now; between here and there somebody may still be quicker, and that is said.
        var version = arguments.Version ?? (await memories.GetAsync(arguments.Id, ct)).Version;
        var memory = await memories.PatchAsync(arguments.Id, patch, version, ct);
        var uri = ResourceUris.Memory(memory.Id);
        return new(new ChangedMemory(memory.Id, uri, memory.Version, memory.Embedding, memory.UpdatedAt), FormattableString.Invariant($"Changed: {uri} is at version {memory.Version}"));
    }
}
