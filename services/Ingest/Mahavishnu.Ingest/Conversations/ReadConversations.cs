using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>GET /conversations, the latest first, and /conversations/{sessionId}. <c>after</c> (inclusive) and <c>before</c> (exclusive) ask for something said in between.</summary>
internal static class ReadConversations
{
    private const int UsualLimit = 50;

    private static readonly string[] Parameters = ["projectId", "agentId", "after", "before", "limit", "cursor"];

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("", ListAsync).WithQuery(Parameters).WithName("ListConversations").WithSummary("List conversations, the latest first")
            .ProducesValidationProblem();
        routes.MapGet("/{sessionId}", GetAsync).WithQuery([]).WithName("GetConversation").WithSummary("Read about one conversation")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal sealed record Query(
        [property: FromQuery(Name = "projectId")] string? ProjectId,
        [property: FromQuery(Name = "agentId")] string? AgentId,
        [property: FromQuery(Name = "after")] string? After,
        [property: FromQuery(Name = "before")] string? Before,
        [property: FromQuery(Name = "limit")] int? Limit,
        [property: FromQuery(Name = "cursor")] string? Cursor);

    internal static async Task<Results<Ok<Page<Conversation>>, ProblemHttpResult>> ListAsync([AsParameters] Query query, ConversationReadStore conversations, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var limit = KnownQuery.Limit(query.Limit, UsualLimit, MemoryLimits.ListLimit, errors);
        var filter = new ConversationFilter(
            MemoryFields.Name("projectId", query.ProjectId, errors),
            MemoryFields.Name("agentId", query.AgentId, errors),
            KnownQuery.Time("after", query.After, errors),
            KnownQuery.Time("before", query.Before, errors));
        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var listing = Listing.ByTimeAndId(Resources.Conversations, filter);
        if (!listing.TryRead(query.Cursor, out var from))
        {
            return Cursor.Refused();
        }

        var (items, more) = await conversations.ListAsync(filter, from, limit, ct);
        var page = listing.Page(items, more, i => (i.Conversation.LastAt, i.Id));
        return TypedResults.Ok(new Page<Conversation>([.. items.Select(i => i.Conversation)], page.NextCursor));
    }

    internal static async Task<Results<Ok<Conversation>, ProblemHttpResult>> GetAsync(string sessionId, ConversationReadStore conversations, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var session = SessionId.Read(sessionId, errors);
        return errors.Any ? errors.ToProblem()
            : await conversations.FindAsync(session, ct) is { } conversation ? TypedResults.Ok(conversation)
            : Missing(session);
    }

    public static ProblemHttpResult Missing(string session) => Problems.NotFound($"There is no conversation '{session}'.");
}
