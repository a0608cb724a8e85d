using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mahavishnu.Contracts;

/// <summary>What one project may be to another. Other kinds are kept as they are given.</summary>
public static class DependencyKinds
{
    public const string Uses = "uses";
    public const string Extends = "extends";
    public const string References = "references";
    public const string SharesCode = "shares_code";

    public static IReadOnlyList<string> All { get; } = [Uses, Extends, References, SharesCode];
}

/// <summary>How one session may belong to another. Other kinds are kept as they are given.</summary>
public static class SessionLinkKinds
{
    public const string Related = "related";
    public const string Continuation = "continuation";
    public const string Reference = "reference";
    public const string Dependency = "dependency";

    public static IReadOnlyList<string> All { get; } = [Related, Continuation, Reference, Dependency];
}

/// <summary>Which dependencies of a project are meant.</summary>
public static class DependencyDirections
{
    /// <summary>Those it has on others.</summary>
    public const string Outbound = "outbound";

    /// <summary>Those others have on it.</summary>
    public const string Inbound = "inbound";
    public const string Both = "both";

    public static IReadOnlyList<string> All { get; } = [Outbound, Inbound, Both];
}

/// <summary>Limits of projects and what connects them; what exceeds them is refused, never cut.</summary>
public static class ProjectLimits
{
    /// <summary>Characters of a description, a reason or a context.</summary>
    public const int Text = 4_000;

    /// <summary>Projects of one group, and targets of one share.</summary>
    public const int Members = 1_000;
    public const int Weeks = 104;
}

/// <summary>Body of <c>PUT /projects/{id}</c>: the whole of it; what is left out is empty afterwards.</summary>
public sealed record PutProject
{
    /// <summary>Default: the id.</summary>
    public string? Name { get; init; }

    /// <summary>Where it lies on a developer's machine; nobody reads it.</summary>
    public string? Path { get; init; }

    /// <summary>What it is among the others, such as <c>library</c>, <c>service</c> or <c>docs</c>.</summary>
    public string? Role { get; init; }
    public string? Description { get; init; }
    public IReadOnlyList<string?>? Tags { get; init; }

    /// <summary>A JSON object.</summary>
    public JsonElement? Metadata { get; init; }
}

/// <summary>A project: registered, or only named by memories, groups or dependencies.</summary>
public sealed record Project
{
    public required string Id { get; init; }

    /// <summary>False: nobody registered it; it works all the same.</summary>
    public bool Registered { get; init; }

    /// <summary>The id, where it is not registered.</summary>
    public required string Name { get; init; }
    public string? Path { get; init; }
    public string? Role { get; init; }
    public string Description { get; init; } = "";
    public IReadOnlyList<string> Tags { get; init; } = [];
    public JsonElement Metadata { get; init; }

    /// <summary>Ids of the groups it is a member of.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>Its memories that are not deleted.</summary>
    public long Memories { get; init; }

    /// <summary>When the latest of them happened.</summary>
    public DateTimeOffset? LastMemoryAt { get; init; }
    public DateTimeOffset? CreatedAt { get; init; }
    public DateTimeOffset? UpdatedAt { get; init; }
}

/// <summary>Answer to <c>DELETE /projects/{id}</c>: the registration is gone; what bears the project's name stays, under that name.</summary>
/// <param name="Kept">What stays.</param>
public sealed record ProjectRemoval(string Id, KeptOfProject Kept);

/// <summary>What still bears the name of a project that is no longer registered.</summary>
/// <param name="Shares">Standing shares with it.</param>
public sealed record KeptOfProject(long Memories, long Groups, long Dependencies, long Shares);

/// <summary>Body of <c>PUT /project-groups/{id}</c>: the whole of it.</summary>
public sealed record PutProjectGroup
{
    /// <summary>Default: the id.</summary>
    public string? Name { get; init; }
    public string? Description { get; init; }

    /// <summary>Ids of projects, registered or not.</summary>
    public IReadOnlyList<string?>? Members { get; init; }

    /// <summary>A JSON object.</summary>
    public JsonElement? Metadata { get; init; }
}

/// <summary>Projects that belong together: each of them finds what the others know.</summary>
public sealed record ProjectGroup
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public string Description { get; init; } = "";
    public IReadOnlyList<string> Members { get; init; } = [];
    public JsonElement Metadata { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Body of <c>POST /dependencies</c>: <see cref="Source"/> depends on <see cref="Target"/>.</summary>
public sealed record NewDependency
{
    public string? Source { get; init; }
    public string? Target { get; init; }

    /// <summary>One of <see cref="DependencyKinds"/>, or any other word; default uses.</summary>
    public string? Kind { get; init; }
    public string? Description { get; init; }

    /// <summary>A JSON object.</summary>
    public JsonElement? Metadata { get; init; }
}

/// <summary>One project's dependency on another.</summary>
public sealed record ProjectDependency
{
    public required string Id { get; init; }
    public required string Source { get; init; }
    public required string Target { get; init; }
    public required string Kind { get; init; }
    public string Description { get; init; } = "";
    public JsonElement Metadata { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Body of <c>POST /session-links</c>.</summary>
public sealed record NewSessionLink
{
    public string? Source { get; init; }
    public string? Target { get; init; }

    /// <summary>One of <see cref="SessionLinkKinds"/>, or any other word; default related.</summary>
    public string? Kind { get; init; }

    /// <summary>Why they belong together.</summary>
    public string? Context { get; init; }

    /// <summary>A JSON object.</summary>
    public JsonElement? Metadata { get; init; }
}

/// <summary>Two sessions that belong together.</summary>
public sealed record SessionLink
{
    public required string Id { get; init; }
    public required string Source { get; init; }
    public required string Target { get; init; }
    public required string Kind { get; init; }
    public string Context { get; init; } = "";
    public JsonElement Metadata { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Body of <c>POST /insights/{id}:share</c>: at least one project or group.</summary>
public sealed record ShareInsightRequest
{
    /// <summary>Ids of projects, registered or not.</summary>
    public IReadOnlyList<string?>? Projects { get; init; }

    /// <summary>Ids of groups; whoever becomes a member later has it too.</summary>
    public IReadOnlyList<string?>? Groups { get; init; }

    /// <summary>Who shares it.</summary>
    public string? By { get; init; }

    /// <summary>Why.</summary>
    public string? Reason { get; init; }
}

/// <summary>An insight that others than its own project find, or found until it was withdrawn.</summary>
public sealed record InsightShare
{
    public required Guid Id { get; init; }
    public required Guid InsightId { get; init; }

    /// <summary>With whom: this project, or the members of <see cref="GroupId"/>.</summary>
    public string? ProjectId { get; init; }
    public string? GroupId { get; init; }
    public string? By { get; init; }
    public string? Reason { get; init; }
    public DateTimeOffset SharedAt { get; init; }

    /// <summary>Present once it no longer stands.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? WithdrawnAt { get; init; }

    /// <summary>Who took it back.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? WithdrawnBy { get; init; }
}

/// <summary>What a project has been doing, what recurs in it, and what it asks in vain.</summary>
/// <param name="Since">From when on it was looked at.</param>
public sealed record ProjectOverview(Project Project, DateTimeOffset Since, ProjectActivity Activity, ProjectPatterns Patterns, IReadOnlyList<KnowledgeGap> Gaps);

/// <param name="Weeks">Each with something in it, the oldest first.</param>
/// <param name="Agents">The busiest first.</param>
/// <param name="Sessions">How many there were.</param>
/// <param name="LastChangeAt">When anything in it was last written or changed, deleted ones included; of all time.</param>
public sealed record ProjectActivity(IReadOnlyList<ProjectWeek> Weeks, IReadOnlyList<AgentActivity> Agents, long Sessions, DateTimeOffset? LastChangeAt);

/// <param name="Week">Its Monday, UTC.</param>
/// <param name="Types">Memories that happened in it, by type.</param>
public sealed record ProjectWeek(DateOnly Week, IReadOnlyDictionary<string, long> Types);

public sealed record AgentActivity(string AgentId, long Memories, DateTimeOffset LastAt);

/// <param name="Tags">On most memories first.</param>
/// <param name="FailedWorkflows">Those that failed most first.</param>
/// <param name="UsedInsights">Its insights that were found and read most first.</param>
/// <param name="SharedInsights">Its insights that most others have been given first.</param>
public sealed record ProjectPatterns(
    IReadOnlyList<TagCount> Tags, IReadOnlyList<FailingWorkflow> FailedWorkflows, IReadOnlyList<UsedInsight> UsedInsights, IReadOnlyList<SharedInsight> SharedInsights);

public sealed record TagCount(string Tag, long Memories);

/// <param name="Runs">That ended by themselves.</param>
/// <param name="LastError">Its beginning.</param>
public sealed record FailingWorkflow(string WorkflowId, long Failed, long Runs, DateTimeOffset? LastFailedAt, string? LastError);

/// <param name="Title">Title or beginning.</param>
/// <param name="Found">How many searches answered with it.</param>
/// <param name="Read">How often it was read by its id.</param>
public sealed record UsedInsight(Guid Id, string Title, long Found, long Read, DateTimeOffset LastUsedAt);

/// <param name="Title">Title or beginning.</param>
/// <param name="Shares">Standing ones.</param>
public sealed record SharedInsight(Guid Id, string Title, long Shares);

/// <summary>A question that was asked more than once and answered badly.</summary>
/// <param name="Question">As it was asked last.</param>
/// <param name="Asked">How often.</param>
/// <param name="Unanswered">How often nothing at all was found.</param>
/// <param name="BestSimilarity">Of what was found the last time; null where nothing was compared.</param>
public sealed record KnowledgeGap(string Question, long Asked, long Unanswered, double? BestSimilarity, DateTimeOffset LastAskedAt);

/// <summary>Typed client of <c>/projects</c>, <c>/project-groups</c>, <c>/dependencies</c> and <c>/session-links</c>.</summary>
/// <exception cref="ApiException">Any method: the server refused, and said why.</exception>
public sealed class ProjectsClient(HttpClient http)
{
    /// <summary>Registered ones and those that are only named, by id.</summary>
    public Task<Page<Project>> ListAsync(int? limit = null, string? cursor = null, CancellationToken ct = default) =>
        http.SendAsync<Page<Project>>(HttpMethod.Get, "/projects" + ApiHttp.Query(("limit", Number(limit)), ("cursor", cursor)), null, ct);

    public Task<Project> GetAsync(string id, CancellationToken ct = default) =>
        http.SendAsync<Project>(HttpMethod.Get, $"/projects/{Uri.EscapeDataString(id)}", null, ct);

    public Task<Project> PutAsync(string id, PutProject project, CancellationToken ct = default) =>
        http.SendAsync<Project>(HttpMethod.Put, $"/projects/{Uri.EscapeDataString(id)}", project, ct);

    /// <returns>What stays under its name.</returns>
    public Task<ProjectRemoval> DeleteAsync(string id, CancellationToken ct = default) =>
        http.SendAsync<ProjectRemoval>(HttpMethod.Delete, $"/projects/{Uri.EscapeDataString(id)}", null, ct);

    /// <param name="weeks">How far back, 1 to <see cref="ProjectLimits.Weeks"/>; default 12.</param>
    public Task<ProjectOverview> OverviewAsync(string id, int? weeks = null, CancellationToken ct = default) =>
        http.SendAsync<ProjectOverview>(HttpMethod.Get, $"/projects/{Uri.EscapeDataString(id)}/overview" + ApiHttp.Query(("weeks", Number(weeks))), null, ct);

    /// <param name="project">Only groups with this member.</param>
    public Task<Page<ProjectGroup>> ListGroupsAsync(string? project = null, int? limit = null, string? cursor = null, CancellationToken ct = default) =>
        http.SendAsync<Page<ProjectGroup>>(HttpMethod.Get, "/project-groups" + ApiHttp.Query(("project", project), ("limit", Number(limit)), ("cursor", cursor)), null, ct);

    public Task<ProjectGroup> GetGroupAsync(string id, CancellationToken ct = default) =>
        http.SendAsync<ProjectGroup>(HttpMethod.Get, $"/project-groups/{Uri.EscapeDataString(id)}", null, ct);

    public Task<ProjectGroup> PutGroupAsync(string id, PutProjectGroup group, CancellationToken ct = default) =>
        http.SendAsync<ProjectGroup>(HttpMethod.Put, $"/project-groups/{Uri.EscapeDataString(id)}", group, ct);

    public Task DeleteGroupAsync(string id, CancellationToken ct = default) =>
        http.SendAsync(HttpMethod.Delete, $"/project-groups/{Uri.EscapeDataString(id)}", ct);

    public Task<ProjectGroup> AddMemberAsync(string group, string project, CancellationToken ct = default) =>
        http.SendAsync<ProjectGroup>(HttpMethod.Put, Member(group, project), null, ct);

    public Task RemoveMemberAsync(string group, string project, CancellationToken ct = default) =>
        http.SendAsync(HttpMethod.Delete, Member(group, project), ct);

    /// <param name="direction">One of <see cref="DependencyDirections"/>; default both.</param>
    public Task<Page<ProjectDependency>> ListDependenciesAsync(
        string? project = null, string? direction = null, string? kind = null, int? limit = null, string? cursor = null, CancellationToken ct = default) =>
        http.SendAsync<Page<ProjectDependency>>(
            HttpMethod.Get,
            "/dependencies" + ApiHttp.Query(("project", project), ("direction", direction), ("kind", kind), ("limit", Number(limit)), ("cursor", cursor)), null, ct);

    public Task<ProjectDependency> GetDependencyAsync(string id, CancellationToken ct = default) =>
        http.SendAsync<ProjectDependency>(HttpMethod.Get, $"/dependencies/{Uri.EscapeDataString(id)}", null, ct);

    /// <returns>The new one, or the one of this source, target and kind that was there.</returns>
    public Task<ProjectDependency> AddDependencyAsync(NewDependency dependency, CancellationToken ct = default) =>
        http.SendAsync<ProjectDependency>(HttpMethod.Post, "/dependencies", dependency, ct);

    public Task DeleteDependencyAsync(string id, CancellationToken ct = default) =>
        http.SendAsync(HttpMethod.Delete, $"/dependencies/{Uri.EscapeDataString(id)}", ct);

    /// <param name="session">Only those of this session, at either end.</param>
    public Task<Page<SessionLink>> ListSessionLinksAsync(
        string? session = null, string? kind = null, int? limit = null, string? cursor = null, CancellationToken ct = default) =>
        http.SendAsync<Page<SessionLink>>(
            HttpMethod.Get, "/session-links" + ApiHttp.Query(("session", session), ("kind", kind), ("limit", Number(limit)), ("cursor", cursor)), null, ct);

    public Task<SessionLink> GetSessionLinkAsync(string id, CancellationToken ct = default) =>
        http.SendAsync<SessionLink>(HttpMethod.Get, $"/session-links/{Uri.EscapeDataString(id)}", null, ct);

    /// <returns>The new one, or the one of these sessions and this kind that was there.</returns>
    public Task<SessionLink> LinkSessionsAsync(NewSessionLink link, CancellationToken ct = default) =>
        http.SendAsync<SessionLink>(HttpMethod.Post, "/session-links", link, ct);

    public Task DeleteSessionLinkAsync(string id, CancellationToken ct = default) =>
        http.SendAsync(HttpMethod.Delete, $"/session-links/{Uri.EscapeDataString(id)}", ct);

    private static string Member(string group, string project) => $"/project-groups/{Uri.EscapeDataString(group)}/members/{Uri.EscapeDataString(project)}";

    private static string? Number(int? number) => number?.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Typed client of the shares of <c>/insights</c>.</summary>
/// <exception cref="ApiException">Any method: the server refused, and said why.</exception>
public sealed class InsightSharesClient(HttpClient http)
{
    /// <returns>The standing shares with those that were named.</returns>
    public Task<Page<InsightShare>> ShareAsync(Guid insight, ShareInsightRequest request, CancellationToken ct = default) =>
        http.SendAsync<Page<InsightShare>>(HttpMethod.Post, $"/insights/{insight}:share", request, ct);

    /// <summary>The latest first, withdrawn ones among them.</summary>
    public Task<Page<InsightShare>> ListAsync(Guid insight, CancellationToken ct = default) =>
        http.SendAsync<Page<InsightShare>>(HttpMethod.Get, $"/insights/{insight}/shares", null, ct);

    /// <param name="by">Who takes it back.</param>
    public Task WithdrawAsync(Guid insight, Guid share, string? by = null, CancellationToken ct = default) =>
        http.SendAsync(HttpMethod.Delete, $"/insights/{insight}/shares/{share}" + ApiHttp.Query(("by", by)), ct);
}
