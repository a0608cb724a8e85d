using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Search;

/// <summary>POST, GET and DELETE /evals/pins: "this question should find that memory", kept.</summary>
internal static class PinnedQueries
{
    private const string PinsRoute = $"{Resources.Evaluations}/pins";
    private const int UsualLimit = 100;

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapPost($"/{PinsRoute}", PinAsync)
            .WithQuery([]).WithName("PinQuery").WithSummary("Keep a question and the memory it should find; the same again answers with the one that is there")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        api.MapGet($"/{PinsRoute}", ListAsync)
            .WithQuery(["limit", "cursor"]).WithName("PinnedQueries").WithSummary("Pinned questions, newest first").ProducesValidationProblem();
        api.MapDelete($"/{PinsRoute}/{{id}}", UnpinAsync)
            .WithQuery([]).WithName("UnpinQuery").WithSummary("Forget a pinned question").ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal static async Task<Results<Created<PinnedQuery>, Ok<PinnedQuery>, ProblemHttpResult>> PinAsync(NewPinnedQuery pin, PinnedQueryStore pins, CancellationToken ct)
    {
        var (question, memoryId, errors) = SearchValidation.Check(pin);
        if (question is null)
        {
            return Problems.Validation(errors);
        }

        if (await pins.FindMemoryAsync(memoryId, ct) is not { } memory)
        {
            return Problems.Validation("memoryId", $"There is no memory {memoryId}.", ErrorCodes.NotFound, StatusCodes.Status404NotFound);
        }

        if (Unfindable(question, memory) is { } reason)
        {
            return Problems.Validation(reason.Field, reason.Message);
        }

        var scope = new QueryScope { Types = question.Types, Sources = question.Sources, ProjectId = question.ProjectId, RepoId = question.RepoId };
        return await pins.AddAsync(question.Text!, memoryId, scope, ct) switch
        {
            (var kept, true) => TypedResults.Created($"{Resources.Api}/{PinsRoute}/{kept.Id}", kept),
            (var known, false) => TypedResults.Ok(known with { Duplicate = true }),
            null => Problems.Conflict(FormattableString.Invariant($"There are {PinnedQueryStore.Most:N0} pinned questions already, as many as one evaluation asks; remove some first.")),
        };
    }

    internal static async Task<Results<Ok<Page<PinnedQuery>>, ProblemHttpResult>> ListAsync(
        [FromQuery(Name = "limit")] int? limit, [FromQuery(Name = "cursor")] string? cursor, PinnedQueryStore pins, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var size = KnownQuery.Limit(limit, UsualLimit, MemoryLimits.ListLimit, errors);
        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var listing = Listing.ByTimeAndId(PinsRoute);
        if (!listing.TryRead(cursor, out var after))
        {
            return Cursor.Refused();
        }

        return TypedResults.Ok(listing.Page(await pins.ListAsync(after, size + 1, ct), size, p => (p.CreatedAt, p.Id)));
    }

    internal static async Task<Results<NoContent, ProblemHttpResult>> UnpinAsync(Guid id, PinnedQueryStore pins, CancellationToken ct) =>
        await pins.DeleteAsync(id, ct) ? TypedResults.NoContent() : Problems.NotFound($"There is no pinned question {id}.");

    /// <summary>A pin that no search could ever fulfil is a mistake.</summary>
    private static (string Field, string Message)? Unfindable(Question question, PinnableMemory memory) => memory switch
    {
        { SupersededBy: { } by } => ("memoryId", $"The memory is superseded by {by}; searches find that one."),
        _ when question.Types.Count > 0 && !question.Types.Contains(memory.Type, StringComparer.Ordinal) => ("types", $"The memory is of type {memory.Type}, which is not among these."),
        _ when question.Sources.Count > 0 && !question.Sources.Contains(memory.Source, StringComparer.Ordinal) => ("sources", $"The memory's source is {memory.Source}, which is not among these."),
        _ when question.ProjectId is { } project && memory.ProjectId != project => ("projectId", $"The memory's project is {memory.ProjectId ?? "none"}."),
        _ when question.RepoId is { } repo && memory.RepoId != repo => ("repoId", $"The memory's repository is {memory.RepoId ?? "none"}."),
        _ => null,
    };
}
