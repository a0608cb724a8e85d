using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>DELETE /conversations/{sessionId} hides all turns of a conversation at once; POST /conversations/{sessionId}:restore brings them back.</summary>
internal static class DeleteConversation
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapDelete("/{sessionId}", DeleteAsync)
            .WithQuery([]).WithName(nameof(DeleteConversation)).WithSummary("Delete a conversation as a whole; it can be restored")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
        routes.MapPost("/{sessionId}:restore", RestoreAsync)
            .WithQuery([]).WithName("RestoreConversation").WithSummary("Bring a deleted conversation back")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(string sessionId, ConversationStore conversations, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var session = SessionId.Read(sessionId, errors);
        return errors.Any ? errors.ToProblem()
            : await conversations.DeleteAsync(session, ct) ? TypedResults.NoContent()
            : ReadConversations.Missing(session);
    }

    internal static async Task<Results<Ok<Conversation>, ProblemHttpResult>> RestoreAsync(
        string sessionId, ConversationStore conversations, ConversationReadStore read, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var session = SessionId.Read(sessionId, errors);
        return errors.Any ? errors.ToProblem()
            : await conversations.RestoreAsync(session, ct) && await read.FindAsync(session, ct) is { } conversation ? TypedResults.Ok(conversation)
            : ReadConversations.Missing(session);
    }
}
