using System.Globalization;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>POST /conversations/{sessionId}/messages: turns, one or many, each a memory at its place in the conversation. A message that is not right fails alone.</summary>
internal static class AddMessages
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/{sessionId}/messages", HandleAsync)
        .WithQuery([]).WithName(nameof(AddMessages)).WithSummary("Add turns to a conversation; one with a clientId is stored once")
        .ProducesValidationProblem();

    internal static async Task<Results<Ok<MessagesAdded>, ProblemHttpResult>> HandleAsync(
        string sessionId, JsonBody<NewMessages> body, ConversationStore conversations, StorageTelemetry telemetry, TimeProvider time, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var messages = body.Value.Messages ?? [];
        var input = new MessageInput(
            SessionId.Read(sessionId, errors),
            MemoryFields.Name("agentId", body.Value.AgentId, errors),
            MemoryFields.Name("projectId", body.Value.ProjectId, errors),
            MemoryFields.Name("source", body.Value.Source, errors) ?? MemoryInput.DefaultSource);
        if (messages.Count is 0 or > ConversationLimits.Messages)
        {
            errors.Add("messages", string.Create(CultureInfo.InvariantCulture, $"There are {messages.Count:N0} messages; 1 to {ConversationLimits.Messages:N0} are allowed."));
        }

        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var (turns, refused) = input.Read(messages, time.GetUtcNow());
        var written = turns.Count > 0 ? await conversations.AddAsync(input.SessionId, turns, ct) : [];
        telemetry.Stored(written.Select(w => (w.Turn.Memory.Type, w.Error is not null ? WriteStatus.Conflict : w.Created ? WriteStatus.Created : WriteStatus.Duplicate)));
        MessageResult[] results =
        [
            .. written.Select(w => w.Error is null
                ? new MessageResult(w.Turn.Index, w.Ordinal, w.Id, w.Created ? "created" : "duplicate", w.Embedding)
                : Error(w.Turn.Index, w.Error))
                .Concat(refused.Select(r => Error(r.Index, r.Error)))
                .OrderBy(r => r.Index),
        ];
        int Of(string status) => results.Count(r => r.Status == status);
        return TypedResults.Ok(new MessagesAdded(input.SessionId, results, new MessageCounts(Of("created"), Of("duplicate"), Of("error"))));
    }

    private static MessageResult Error(int index, BatchItemError error) => new(index, null, null, "error", null, error);
}
