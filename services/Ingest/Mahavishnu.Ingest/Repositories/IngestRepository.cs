using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>What a <c>repository</c> operation is started with.</summary>
internal sealed record RepositoryInput(string Path, string RepoId, string? ProjectId, IReadOnlyList<string>? Include, IReadOnlyList<string>? Exclude)
{
    /// <summary>Whether a run of the other would do the same.</summary>
    public bool SameAs(RepositoryInput other) =>
        string.Equals(Path, other.Path, StringComparison.Ordinal) && string.Equals(RepoId, other.RepoId, StringComparison.Ordinal)
        && string.Equals(ProjectId, other.ProjectId, StringComparison.Ordinal)
        && (Include ?? []).SequenceEqual(other.Include ?? [], StringComparer.Ordinal) && (Exclude ?? []).SequenceEqual(other.Exclude ?? [], StringComparer.Ordinal);
}

/// <summary>POST /repositories: a directory → the operation that makes it searchable. Asking again while it runs answers with the same operation.</summary>
internal static class IngestRepository
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/", HandleAsync).WithQuery([]).WithName(nameof(IngestRepository)).WithSummary("Ingest a directory of the server's machine as a repository")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status403Forbidden).ProducesProblem(StatusCodes.Status409Conflict);

    internal static async Task<Results<Accepted<Operation>, ProblemHttpResult>> HandleAsync(
        IngestRepositoryRequest request, AllowedRoots roots, RepositoryStore store, OperationStore operations, CancellationToken ct)
    {
        if (roots.Resolve(request.Path, out var refusal) is not { } found)
        {
            var status = refusal!.Code == ErrorCodes.OutsideRoots ? StatusCodes.Status403Forbidden : StatusCodes.Status400BadRequest;
            return Problems.Validation("path", refusal.Message, refusal.Code, status);
        }

        var input = new RepositoryInput(found.Path, request.RepoId ?? Path.GetFileName(found.Path), Blank(request.ProjectId), request.Include, request.Exclude);
        if (Validate(input) is { Count: > 0 } errors)
        {
            return Problems.Validation(errors);
        }

        // The folder's name is a guess; it must not make one repository of two, as the second would replace the first.
        if (request.RepoId is null && await store.FindAsync(input.RepoId, ct) is { } known && !string.Equals(known.Path, input.Path, StringComparison.Ordinal))
        {
            return Problems.Validation(
                "repoId", $"is needed: '{input.RepoId}' already names the repository at {known.Path}. Give this one another name, or the same if it moved here.",
                ErrorCodes.Conflict, StatusCodes.Status409Conflict);
        }

        var (operation, created, running) = await operations.StartAsync(OperationKinds.Repository, input.RepoId, input, ct);
        if (!created && !running.Deserialize<RepositoryInput>(WireJson.Lenient)!.SameAs(input))
        {
            return Problems.Conflict($"Repository '{input.RepoId}' is being ingested with other settings (operation {operation.Id}). Wait for its end or cancel it.");
        }

        return TypedResults.Accepted($"{Resources.Api}/{Resources.Operations}/{operation.Id}", operation);
    }

    private static Dictionary<string, string[]> Validate(RepositoryInput input)
    {
        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        Check("repoId", Names.Validate(input.RepoId, slashes: false));
        Check("projectId", input.ProjectId is null ? null : Names.Validate(input.ProjectId, slashes: true));
        Check("include", FileSelection.Validate(input.Include));
        Check("exclude", FileSelection.Validate(input.Exclude));
        return errors;

        void Check(string field, string? message)
        {
            if (message is not null)
            {
                errors.Add(field, [message + "."]);
            }
        }
    }

    private static string? Blank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;
}

/// <summary>What may name a repository or a project.</summary>
internal static class Names
{
    /// <summary>What is wrong with a name; null when nothing is.</summary>
    /// <param name="slashes">False for names that are one segment of a route.</param>
    public static string? Validate(string name, bool slashes) =>
        string.IsNullOrWhiteSpace(name) ? "must not be blank"
        : name.Length > MemoryLimits.NameLength ? $"is longer than {MemoryLimits.NameLength} characters"
        : name.Any(char.IsControl) || !string.Equals(TextSanitizer.Clean(name), name, StringComparison.Ordinal) ? "must not contain control characters or broken ones"
        : !slashes && (name.AsSpan().ContainsAny('/', '\\') || name is "." or "..") ? "must not contain '/' or '\\', nor be '.' or '..'"
        : null;
}
