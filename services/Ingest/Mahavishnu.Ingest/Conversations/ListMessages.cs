using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>GET /conversations/{sessionId}/messages: the turns in order, page by page, or those around one of them.</summary>
internal static class ListMessages
{
    private const int UsualLimit = 100;
    private const int UsuallyAround = 2;

    private static readonly string[] Parameters = ["limit", "cursor", "role", "order", "around", "before", "after"];

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/{sessionId}/messages", HandleAsync)
        .WithQuery(Parameters).WithName(nameof(ListMessages)).WithSummary("Read the turns of a conversation in order, or those around one of them")
        .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);

    /// <summary>The query string. <c>around</c> is a memory's id, such as a hit has it; <c>before</c> and <c>after</c> say how many turns beside it.</summary>
    internal sealed record Query(
        [property: FromQuery(Name = "limit")] int? Limit,
        [property: FromQuery(Name = "cursor")] string? Cursor,
        [property: FromQuery(Name = "role")] string? Role,
        [property: FromQuery(Name = "order")] string? Order,
        [property: FromQuery(Name = "around")] Guid? Around,
        [property: FromQuery(Name = "before")] int? Before,
        [property: FromQuery(Name = "after")] int? After);

    internal static async Task<Results<Ok<Page<ConversationMessage>>, ProblemHttpResult>> HandleAsync(
        string sessionId, [AsParameters] Query query, ConversationReadStore conversations, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var session = SessionId.Read(sessionId, errors);
        var limit = KnownQuery.Limit(query.Limit, UsualLimit, MemoryLimits.ListLimit, errors);
        Check(query, errors);
        if (errors.Any)
        {
            return errors.ToProblem();
        }

        if (query.Around is { } memory)
        {
            return await conversations.AroundAsync(session, memory, query.Before ?? UsuallyAround, query.After ?? UsuallyAround, ct) is { Count: > 0 } turns
                ? TypedResults.Ok(new Page<ConversationMessage>(turns, null))
                : Problems.NotFound($"The memory {memory} is no turn of the conversation '{session}'.");
        }

        var backwards = query.Order == "desc";
        var listing = Listing.ByNumber(Resources.Conversations, new { session, query.Role, backwards });
        if (!listing.TryRead(query.Cursor, out var from))
        {
            return Cursor.Refused();
        }

        var (items, more) = await conversations.ListAsync(session, query.Role, from, backwards, limit, ct);
        return items.Count == 0 && await conversations.FindAsync(session, ct) is null
            ? ReadConversations.Missing(session)
            : TypedResults.Ok(listing.Page(items, more, m => m.Ordinal));
    }

    private static void Check(Query query, FieldErrors errors)
    {
        if (query.Role is { } role && !ConversationRoles.All.Contains(role, StringComparer.Ordinal))
        {
            errors.Add("role", $"The value must be one of {string.Join(", ", ConversationRoles.All)}.");
        }

        if (query.Order is not (null or "asc" or "desc"))
        {
            errors.Add("order", "The value must be asc or desc.");
        }

        foreach (var (name, count) in new[] { ("before", query.Before), ("after", query.After) })
        {
            if (count is not null && query.Around is null)
            {
                errors.Add(name, "The value counts turns beside the one that \"around\" names, which is missing.");
            }
            else if (count is < 0 or > ConversationLimits.Around)
            {
                errors.Add(name, FormattableString.Invariant($"The value must be between 0 and {ConversationLimits.Around}."));
            }
        }

        if (query.Around is not null && (query.Limit ?? (object?)query.Cursor ?? query.Role ?? query.Order) is not null)
        {
            errors.Add("around", "The value goes with \"before\" and \"after\" alone.");
        }
    }
}
