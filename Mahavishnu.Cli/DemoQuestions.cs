using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli;

/// <summary>What a question must find.</summary>
/// <param name="Path">A file of this repository.</param>
/// <param name="Title">A stored memory.</param>
internal sealed record Expectation(string? Path = null, string? Title = null)
{
    public bool IsMetBy(SearchHit hit) => Path is null ? hit.Title == Title : hit.Path == Path;

    public override string ToString() => Path ?? $"\"{Title}\"";
}

/// <summary>How a question of the demo asks.</summary>
internal enum QuestionKind
{
    /// <summary>With the words of what it must find.</summary>
    Words,

    /// <summary>With other words: at most half of the question's are in what it must find.</summary>
    Reworded,

    /// <summary>With a filter that every hit must pass.</summary>
    Filtered,
}

/// <summary>One search of the demo.</summary>
/// <param name="Passes">What the filter lets through, said a second time; null where nothing is filtered.</param>
internal sealed record DemoQuestion(QuestionKind Kind, SearchRequest Request, Expectation Expected, Func<SearchHit, bool>? Passes = null);

/// <summary>What the demo stores and asks. This file is left out when the demo ingests the repository: it would find itself.</summary>
internal static class DemoQuestions
{
    public const string File = "Mahavishnu.Cli/DemoQuestions.cs";
    public const string Repository = "mahavishnu";
    private const string Project = "demo";

    public static IReadOnlyList<NewMemory> Memories { get; } =
    [
        Memory(MemoryTypes.Agent, "Payment gateway timeouts", "The card processor answers slowly between 02:00 and 03:00 UTC, so checkout requests time out. We agreed to queue them and try again.", """{"severity": 3, "service": "checkout"}"""),
        Memory(MemoryTypes.Agent, "User prefers small commits", "Asked how to deliver the refactoring: several small commits, each of which builds, rather than one large one.", """{"severity": 1}"""),
        Memory(MemoryTypes.Agent, "Flaky login test", "The login test failed twice on the build server because its clock was ahead of the identity provider's. The test now takes its time from a fake clock.", """{"severity": 2, "service": "identity"}"""),
        Memory(MemoryTypes.Workflow, "Nightly dependency sweep", "Workflow completed: 14 repositories visited, 9 package upgrades proposed, 2 builds broken by a renamed method in the JSON library.", """{"severity": 2, "status": "completed"}"""),
        Memory(MemoryTypes.Workflow, "Release 4.2 rollout", "Workflow failed in its third step: the canary's error rate rose above two percent, and the rollout was taken back.", """{"severity": 5, "status": "failed"}"""),
        Memory(MemoryTypes.Workflow, "Log retention change", "Workflow completed: audit logs are kept for 400 days, debug logs for 7.", """{"severity": 1, "status": "completed"}"""),
        Memory(MemoryTypes.Insight, "Connection pool exhaustion", "Long transactions in the reporting job hold database connections, and the web requests starve. Reports belong on the replica.", """{"severity": 4, "service": "reporting"}"""),
        Memory(MemoryTypes.Insight, "Caching invoices", "Invoices never change once they are sent, so their PDF can be cached for ever; this removed a third of the load.", """{"severity": 2, "service": "billing"}"""),
        Memory(MemoryTypes.Insight, "Feature flags age badly", "Half of the feature flags were older than a year and nobody knew what they did. A flag now carries the date on which it must be gone.", """{"severity": 3}"""),
        Memory(MemoryTypes.Rag, "Runbook: restore a tenant", "To restore one customer: stop its workers, bring yesterday's snapshot back under a temporary name, compare the row counts, then swap the names.", """{"severity": 4, "kind": "runbook"}"""),
        Memory(MemoryTypes.Rag, "Style guide: errors", "An error message names the field, the value that was given and the values that are allowed.", """{"severity": 1, "kind": "guide"}"""),
    ];

    public static IReadOnlyList<DemoQuestion> All { get; } =
    [
        new(QuestionKind.Words, Ask("take the oldest due jobs of the embedding queue FOR UPDATE SKIP LOCKED"), new(Path: "services/Storage/EmbeddingQueueStore.cs")),
        new(QuestionKind.Words, Ask("canary error rate rollout taken back"), new(Title: "Release 4.2 rollout")),
        new(QuestionKind.Reworded, Ask("make invoice downloads faster by storing the PDF"), new(Title: "Caching invoices")),
        new(QuestionKind.Reworded, Ask("which steps return lost data of a single customer from a snapshot?"), new(Title: "Runbook: restore a tenant")),
        new(QuestionKind.Reworded, Ask("where do incoming strings with an unpaired surrogate get sanitized?"), new(Path: "services/Storage/TextSanitizer.cs")),
        new(
            QuestionKind.Filtered,
            Ask("what went wrong in production") with
            {
                Types = [MemoryTypes.Agent, MemoryTypes.Workflow, MemoryTypes.Insight],
                Filter = Json("""{"field": "metadata.severity", "op": "gte", "value": 3}"""),
            },
            new(Title: "Release 4.2 rollout"),
            hit => hit.Type != MemoryTypes.Rag && hit.Metadata.GetProperty("severity").GetInt32() >= 3),
    ];

    private static SearchRequest Ask(string question) => new() { Query = question, Limit = 10 };

    private static NewMemory Memory(string type, string title, string content, string metadata) =>
        new() { Type = type, Source = "demo", Title = title, Content = content, ProjectId = Project, Tags = ["demo"], Metadata = Json(metadata) };

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;
}
