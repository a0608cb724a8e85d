using System.Globalization;
using System.Text;
using System.Text.Json;
using Mahavishnu.Contracts;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;

namespace Mahavishnu.Mcp;

/// <summary>Conversations that a user starts by name: each brings along what is stored, so that it works with clients that call no tools.</summary>
internal sealed class StoredPrompts(MemoriesClient memories, SearchClient search, RepositoriesClient repositories, ProjectsClient projects)
{
    private const string Overview = "overview";
    private const string FindContext = "find_context";
    private const string ReviewProject = "review_project";
    private const int MaxTokens = 4_000;
    private const int Recent = 20;
    private const int LineBytes = 120;

    public static IReadOnlyList<Prompt> All { get; } =
    [
        new()
        {
            Name = Overview,
            Title = "What do you remember?",
            Description = "What is stored: repositories and the latest memories, of one project or of all.",
            Arguments = [new() { Name = "projectId", Description = "Only this project" }],
        },
        new()
        {
            Name = FindContext,
            Title = "What do we know about …?",
            Description = "Everything stored about a topic, before work on it begins.",
            Arguments = [new() { Name = "topic", Description = "What the work is about", Required = true }, new() { Name = "projectId", Description = "Only this project" }],
        },
        new()
        {
            Name = ReviewProject,
            Title = "Review a project's memory",
            Description = "A project's memories, to be checked for what is outdated, contradictory or missing.",
            Arguments = [new() { Name = "projectId", Description = "The project", Required = true }],
        },
    ];

    public Task<GetPromptResult> GetAsync(string name, IDictionary<string, JsonElement>? arguments, CancellationToken ct)
    {
        var project = Argument(name, arguments, "projectId");
        return name switch
        {
            Overview => OverviewAsync(project, ct),
            FindContext => FindAsync(Argument(name, arguments, "topic")!, project, ct),
            ReviewProject => ReviewAsync(project!, ct),
            _ => throw new McpProtocolException($"There is no prompt '{name}'; there are {string.Join(", ", All.Select(p => p.Name))}.", McpErrorCode.InvalidParams),
        };
    }

    private static string? Argument(string prompt, IDictionary<string, JsonElement>? arguments, string name)
    {
        var declared = All.FirstOrDefault(p => p.Name == prompt)?.Arguments?.FirstOrDefault(a => a.Name == name);
        var given = arguments is not null && arguments.TryGetValue(name, out var value) && value.ValueKind == JsonValueKind.String && !string.IsNullOrWhiteSpace(value.GetString()) ? value.GetString() : null;
        return given ?? (declared?.Required == true ? throw new ToolRefusal($"{name}: is required. {declared.Description}.") : null);
    }

    private async Task<GetPromptResult> OverviewAsync(string? project, CancellationToken ct)
    {
        var known = (await repositories.ListAsync(ct)).Items;
        var text = new StringBuilder("Tell me in a few sentences what is stored, and what of it matters for what we are about to do.\n\n");
        foreach (var repository in known)
        {
            text.Append(CultureInfo.InvariantCulture, $"Repository {repository.RepoId}: {repository.Files} files, ingested {repository.IngestedAt:yyyy-MM-dd}\n");
        }

        await AppendActivityAsync(text, project, ct);
        return Result(text.Append(await LatestAsync(project, ct)));
    }

    private async Task<GetPromptResult> FindAsync(string topic, string? project, CancellationToken ct)
    {
        var response = await search.SearchAsync(new SearchRequest { Query = topic, ProjectId = project, Limit = Recent }, ct);
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"We are about to work on: {topic}\n\nSay what is known about it, what was decided and why, and what failed before. Name the memory for each point. Say so where nothing is known.\n\n");
        return Result(text.Append(FoundMemories.Answer(response, MaxTokens).Text));
    }

    private async Task<GetPromptResult> ReviewAsync(string project, CancellationToken ct)
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"Review what is stored about the project {project}: what is outdated, what contradicts something else, what is said twice, what is missing? ")
            .Append("Propose each correction with the memory it is about, and change nothing before I agree; then use update_memory, delete_memory and add_memory.\n\n");
        await AppendActivityAsync(text, project, ct);
        return Result(text.Append(await LatestAsync(project, ct)));
    }

    /// <summary>What recurs in a project, fails, or is asked in vain; nothing of one that nobody has named yet.</summary>
    private async Task AppendActivityAsync(StringBuilder text, string? project, CancellationToken ct)
    {
        if (project is null)
        {
            return;
        }

        ProjectOverview overview;
        try
        {
            overview = await projects.OverviewAsync(project, ct: ct);
        }
        catch (ApiException e) when (e.Code == ErrorCodes.NotFound)
        {
            return;
        }

        text.Append(CultureInfo.InvariantCulture, $"{StoredText.Notice}\nSince {overview.Since:yyyy-MM-dd} there were {overview.Activity.Sessions} sessions.\n");
        if (overview.Patterns.Tags.Count > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"Often tagged: {string.Join(", ", overview.Patterns.Tags.Take(Recent).Select(t => t.Tag))}\n");
        }

        foreach (var failing in overview.Patterns.FailedWorkflows)
        {
            text.Append(CultureInfo.InvariantCulture, $"{failing.WorkflowId} failed {failing.Failed} of {failing.Runs} times{(failing.LastError is { } error ? $", the last with: {ToolLimits.Beginning(error, LineBytes)}" : "")}\n");
        }

        foreach (var gap in overview.Gaps)
        {
            text.Append(CultureInfo.InvariantCulture, $"Asked {gap.Asked} times and answered badly: {ToolLimits.Beginning(gap.Question, LineBytes)}\n");
        }

        text.Append('\n');
    }

    /// <summary>What agents, people and workflows stored last; code is not what they mean.</summary>
    private async Task<string> LatestAsync(string? project, CancellationToken ct)
    {
        var pages = await Task.WhenAll(new[] { MemoryTypes.Insight, MemoryTypes.Agent, MemoryTypes.Workflow }
            .Select(type => memories.ListAsync([new("type", type), new("projectId", project), new("limit", Recent.ToString(CultureInfo.InvariantCulture))], ct)));
        var latest = pages.SelectMany(p => p.Items).OrderByDescending(m => m.CreatedAt).Take(Recent).ToList();
        if (latest.Count == 0)
        {
            return "No memory is stored yet.";
        }

        var text = new StringBuilder(StoredText.Notice).Append('\n');
        foreach (var (excerpt, memory) in ToolLimits.Share([.. latest.Select(m => m.Content)], MaxTokens, LineBytes).Zip(latest))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n[{memory.Type}] {memory.Title ?? ""} ({memory.OccurredAt:yyyy-MM-dd}) {ResourceUris.Memory(memory.Id)}\n{excerpt.Text}\n");
        }

        return text.ToString();
    }

    private static GetPromptResult Result(StringBuilder text) =>
        new() { Messages = [new PromptMessage { Role = Role.User, Content = new TextContentBlock { Text = text.ToString() } }] };
}
