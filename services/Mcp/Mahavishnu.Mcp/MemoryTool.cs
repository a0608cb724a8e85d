using System.Text.Json;
using ModelContextProtocol.Protocol;

namespace Mahavishnu.Mcp;

/// <summary>What a tool does to the store; clients decide by it whether to ask their user first.</summary>
internal static class ToolEffects
{
    /// <summary>What else there is to say of a tool means nothing of one that only reads.</summary>
    public static ToolAnnotations Reads => new() { ReadOnlyHint = true, OpenWorldHint = false };

    /// <summary>Adds; the same call again adds nothing.</summary>
    public static ToolAnnotations Adds => new() { ReadOnlyHint = false, DestructiveHint = false, IdempotentHint = true, OpenWorldHint = false };

    /// <summary>Adds each time.</summary>
    public static ToolAnnotations Appends => new() { ReadOnlyHint = false, DestructiveHint = false, IdempotentHint = false, OpenWorldHint = false };

    /// <summary>Replaces or hides what was there.</summary>
    public static ToolAnnotations Replaces => new() { ReadOnlyHint = false, DestructiveHint = true, IdempotentHint = true, OpenWorldHint = false };
}

/// <summary>An answer twice: for programs by the advertised schema, and as text for models whose client passes on nothing else.</summary>
/// <param name="Links">Where what was cut is to be had as a whole.</param>
internal sealed record ToolAnswer<TResult>(TResult Result, string Text, IReadOnlyList<ResourceLinkBlock> Links)
{
    public ToolAnswer(TResult result, string text) : this(result, text, [])
    {
    }
}

/// <summary>A tool as the server lists and calls it.</summary>
internal abstract class MemoryTool
{
    public abstract Tool Definition { get; }

    /// <summary>Shown in the profile <see cref="McpProfile.Admin"/> only.</summary>
    public virtual bool IsForAdmin => false;

    /// <param name="links">Whether the client's protocol has links to resources.</param>
    public abstract Task<CallToolResult> CallAsync(IDictionary<string, JsonElement> arguments, bool links, CancellationToken ct);
}

/// <summary>A tool whose arguments and answer are records: their schemas are what clients see, and what calls are held to.</summary>
internal abstract class MemoryTool<TArguments, TResult>(string name, string title, string description, ToolAnnotations effect) : MemoryTool
    where TArguments : class
{
    public override Tool Definition { get; } = new()
    {
        Name = name,
        Title = title,
        Description = description,
        Annotations = effect,
        InputSchema = WireSchema.Of<TArguments>(),
        OutputSchema = WireSchema.Of<TResult>(),
    };

    public override async Task<CallToolResult> CallAsync(IDictionary<string, JsonElement> arguments, bool links, CancellationToken ct)
    {
        var errors = new List<string>();
        if (ToolArguments.Read<TArguments>(arguments, Definition.InputSchema, errors) is not { } read)
        {
            throw new ToolRefusal(string.Join('\n', errors));
        }

        var answer = await AnswerAsync(read, ct);
        return new CallToolResult
        {
            Content = [new TextContentBlock { Text = answer.Text }, .. links ? answer.Links : []],
            StructuredContent = JsonSerializer.SerializeToElement(answer.Result, WireSchema.Json),
        };
    }

    protected abstract Task<ToolAnswer<TResult>> AnswerAsync(TArguments arguments, CancellationToken ct);
}

/// <summary>A call that cannot be done as it is; the message tells the model what to change.</summary>
internal sealed class ToolRefusal(string message) : Exception(message);
