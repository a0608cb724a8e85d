namespace Mahavishnu.Contracts;

/// <summary>Every name by which one part of the system calls another: services, the database, routes.</summary>
public static class Resources
{
    /// <summary>Name of the database, and of its connection string (<c>ConnectionStrings:mahavishnu</c>).</summary>
    public const string Database = "mahavishnu";

    /// <summary>Name of the embedding model's connection string (<c>ConnectionStrings:embed</c>, <c>Endpoint=…;Model=…</c>).</summary>
    public const string EmbeddingModel = "embed";

    public const string Ingest = "ingest";
    public const string Search = "search";
    public const string Migration = "migration";
    public const string Gateway = "gateway";

    /// <summary>Prefix of every REST route.</summary>
    public const string Api = "/api/v1";

    /// <summary>Where agents connect.</summary>
    public const string Mcp = "/mcp";

    /// <summary>Port of the gateway and of <c>mahavishnu up</c>.</summary>
    public const int DefaultPort = 8686;

    /// <summary>The loopback port each service takes where no address is configured, so that the programs find each other when started by hand.</summary>
    public static IReadOnlyDictionary<string, int> Ports { get; } = new Dictionary<string, int>(StringComparer.Ordinal)
    {
        [Gateway] = DefaultPort,
        [Ingest] = DefaultPort + 1,
        [Search] = DefaultPort + 2,
        [Migration] = DefaultPort + 3,
    };

    public const string Memories = "memories";
    public const string Conversations = "conversations";
    public const string Workflows = "workflows";

    /// <summary>A question about executions: search answers it, as it answers all questions.</summary>
    public const string WorkflowRecall = "workflows/recall";
    public const string Projects = "projects";
    public const string ProjectGroups = "project-groups";
    public const string Dependencies = "dependencies";
    public const string SessionLinks = "session-links";
    public const string Repositories = "repositories";
    public const string Insights = "insights";
    public const string Operations = "operations";
    public const string Embeddings = "embeddings";
    public const string SearchRoute = "search";
    public const string Evaluations = "evals";
    public const string Imports = "imports";
    public const string Schema = "schema";

    /// <summary>First path segments under <see cref="Api"/> → the service that serves what begins with them; the longest that fits counts.</summary>
    public static IReadOnlyDictionary<string, string> Routes { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        [Memories] = Ingest,
        [Conversations] = Ingest,
        [Workflows] = Ingest,
        [Projects] = Ingest,
        [ProjectGroups] = Ingest,
        [Dependencies] = Ingest,
        [SessionLinks] = Ingest,
        [Repositories] = Ingest,
        [Insights] = Ingest,
        [Operations] = Ingest,
        [Embeddings] = Ingest,
        [SearchRoute] = Search,
        [Evaluations] = Search,
        [WorkflowRecall] = Search,
        [Imports] = Migration,
        [Schema] = Migration,
    };

    /// <summary>Which of <see cref="Routes"/> a path belongs to: <c>/api/v1/memories:batch</c> → memories; null where to none.</summary>
    public static string? RouteOf(string path) => Routes.Keys
        .Where(route => path.StartsWith($"{Api}/{route}", StringComparison.Ordinal) && (path.Length == Api.Length + 1 + route.Length || path[Api.Length + 1 + route.Length] is '/' or ':'))
        .MaxBy(route => route.Length);
}
