using System.Runtime.InteropServices;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest;

/// <summary>A turn that can be written.</summary>
/// <param name="Index">Position in the request.</param>
/// <param name="Timed">Whether the client said when it was said.</param>
internal sealed record Turn(int Index, string Role, string? ClientId, bool Timed, MemoryDraft Memory);

/// <summary>From what a client sent to turns, each by itself.</summary>
internal sealed record MessageInput(string SessionId, string? AgentId, string? ProjectId, string Source)
{
    /// <returns>The turns in order, and what is wrong with the messages that are none.</returns>
    public (IReadOnlyList<Turn> Turns, IReadOnlyList<(int Index, BatchItemError Error)> Refused) Read(IReadOnlyList<JsonElement> messages, DateTimeOffset now)
    {
        var turns = new List<Turn>(messages.Count);
        var refused = new List<(int, BatchItemError)>();
        // In the order of the turns, so that whoever sorts those of one moment by their ids has them as they were said.
        var ids = Enumerable.Range(0, messages.Count).Select(_ => Guid.CreateVersion7(now)).Order().ToList();
        for (var i = 0; i < messages.Count; i++)
        {
            var errors = new FieldErrors();
            if (BatchItem.ReadJson<NewMessage>(JsonMarshal.GetRawUtf8Value(messages[i]), out var wrong) is { } message)
            {
                var turn = Read(message, i, ids[i], now, errors);
                wrong = errors.Any ? BatchItem.Refused(errors) : null;
                if (wrong is null)
                {
                    turns.Add(turn);
                    continue;
                }
            }

            refused.Add((i, wrong!));
        }

        return (turns, refused);
    }

    private Turn Read(NewMessage message, int index, Guid id, DateTimeOffset now, FieldErrors errors)
    {
        var role = message.Role ?? "";
        if (!ConversationRoles.All.Contains(role, StringComparer.Ordinal))
        {
            errors.Add("role", $"The value must be one of {string.Join(", ", ConversationRoles.All)}.");
        }

        var clientId = MemoryFields.Name("clientId", message.ClientId, errors);
        var memory = new MemoryDraft
        {
            Id = id,
            Type = MemoryTypes.Agent,
            Source = Source,
            Content = MemoryFields.Content(message.Content, errors),
            DedupeKey = clientId is null ? null : DedupeKeys.ForTurn(SessionId, clientId),
            Tags = MemoryFields.Tags(message.Tags, errors),
            AgentId = AgentId,
            ProjectId = ProjectId,
            SessionId = SessionId,
            Metadata = OwnMetadata.Add(MemoryFields.Metadata(message.Metadata, errors), errors, ("role", role)),
            OccurredAt = MemoryFields.Time("occurredAt", message.OccurredAt, errors) ?? now,
        };
        return new Turn(index, role, clientId, message.OccurredAt is not null, memory);
    }
}
