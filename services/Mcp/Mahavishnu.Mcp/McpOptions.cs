using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Mcp;

/// <summary>Which tools agents are shown.</summary>
internal enum McpProfile
{
    Default,
    Admin,
}

/// <summary>What agents get over MCP: <c>Mcp:…</c>.</summary>
internal sealed class McpOptions
{
    public const string Section = "Mcp";

    /// <summary>Default: the tools an agent needs to remember and to find. Admin: also those that ingest repositories, import files, run evaluations, share insights and erase.</summary>
    [EnumDataType(typeof(McpProfile))] public McpProfile Profile { get; set; } = McpProfile.Default;

    /// <summary>About how many tokens an answer of a tool takes at most, where the call names no <c>max_tokens</c>.</summary>
    [Range(ToolLimits.LeastTokens, ToolLimits.MostTokens)] public int MaxTokens { get; set; } = 4_000;
}

[OptionsValidator]
internal sealed partial class McpOptionsValidator : IValidateOptions<McpOptions>;
