using System.ComponentModel;
using Mahavishnu.Contracts;

namespace Mahavishnu.Mcp;

internal sealed record DeleteMemoryArguments
{
    public required Guid Id { get; init; }

    [Description("true: bring it back")]
    public bool? Undo { get; init; }
}

internal sealed record DeletedMemory(Guid Id, string Uri, bool Deleted);

/// <summary>Hides a memory, or brings it back.</summary>
internal sealed class DeleteMemoryTool(MemoriesClient memories) : MemoryTool<DeleteMemoryArguments, DeletedMemory>(
    "delete_memory", "Forget a memory",
    "Delete one memory; nothing finds it any more, and undo brings it back. Call it when the user asks to forget something, or when a memory is wrong and cannot be corrected with update_memory.",
    ToolEffects.Replaces)
{
    protected override async Task<ToolAnswer<DeletedMemory>> AnswerAsync(DeleteMemoryArguments arguments, CancellationToken ct)
    {
        var uri = ResourceUris.Memory(arguments.Id);
        if (arguments.Undo == true)
        {
            await memories.RestoreAsync(arguments.Id, ct);
            return new(new DeletedMemory(arguments.Id, uri, Deleted: false), $"Back again: {uri}");
        }

        await memories.DeleteAsync(arguments.Id, ct);
        return new(new DeletedMemory(arguments.Id, uri, Deleted: true), $"Deleted: {uri}; undo brings it back");
    }
}
