using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Mahavishnu.Contracts;

namespace Mahavishnu.Mcp;

internal sealed record EraseArguments
{
    public required Guid Id { get; init; }

    [Description("yes: the user knows that nothing brings it back"), AllowedValues("yes")]
    public required string Confirm { get; init; }
}

internal sealed record ErasedMemory(Guid Id, bool Erased);

/// <summary>Makes a memory be gone for good.</summary>
internal sealed class EraseTool(MemoriesClient memories) : MemoryTool<EraseArguments, ErasedMemory>(
    "erase", "Erase a memory for good",
    "Erase one memory with its history and everything made of it; nothing brings it back. Call it when the user asks that something be really gone, such as a secret or personal data; else call delete_memory.",
    ToolEffects.Replaces)
{
    public override bool IsForAdmin => true;

    protected override async Task<ToolAnswer<ErasedMemory>> AnswerAsync(EraseArguments arguments, CancellationToken ct)
    {
        await memories.EraseAsync(arguments.Id, ct);
        return new(new ErasedMemory(arguments.Id, Erased: true), $"Erased: {arguments.Id}");
    }
}
