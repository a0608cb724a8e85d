using System.ComponentModel;
using System.Globalization;
using Mahavishnu.Contracts;

namespace Mahavishnu.Mcp;

internal sealed record ShareInsightArguments
{
    [Description("Of the insight")]
    public required Guid Id { get; init; }

    [Description("Projects that are to find it too")]
    public IReadOnlyList<string>? Projects { get; init; }

    [Description("Groups whose members are to find it too")]
    public IReadOnlyList<string>? Groups { get; init; }

    [Description("Who shares it")]
    public string? By { get; init; }

    [Description("Why it matters to them")]
    public string? Reason { get; init; }
}

/// <param name="Shares">All that stand.</param>
internal sealed record SharedWith(Guid Id, string Uri, IReadOnlyList<ShareLine> Shares);

internal sealed record ShareLine(Guid Id, DateTimeOffset SharedAt)
{
    public string? ProjectId { get; init; }
    public string? GroupId { get; init; }
}

/// <summary>Has other projects find an insight.</summary>
internal sealed class ShareInsightTool(InsightSharesClient shares) : MemoryTool<ShareInsightArguments, SharedWith>(
    "share_insight", "Share an insight",
    "Have other projects, or the members of groups, find an insight of this one. Call it when a conclusion holds beyond the project it was drawn in, such as a trap of a library that others use as well.",
    ToolEffects.Adds)
{
    public override bool IsForAdmin => true;

    protected override async Task<ToolAnswer<SharedWith>> AnswerAsync(ShareInsightArguments arguments, CancellationToken ct)
    {
        var request = new ShareInsightRequest { Projects = arguments.Projects, Groups = arguments.Groups, By = arguments.By, Reason = arguments.Reason };
        var standing = (await shares.ShareAsync(arguments.Id, request, ct)).Items;
        var answer = new SharedWith(arguments.Id, ResourceUris.Memory(arguments.Id), [.. standing.Select(s => new ShareLine(s.Id, s.SharedAt) { ProjectId = s.ProjectId, GroupId = s.GroupId })]);
        return new(answer, string.Create(CultureInfo.InvariantCulture, $"{answer.Uri} is shared with {string.Join(", ", standing.Select(s => s.ProjectId ?? $"the group {s.GroupId}"))}."));
    }
}
