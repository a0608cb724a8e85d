using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest;

/// <summary>From what a client sent to what the write path takes.</summary>
internal static class MemoryInput
{
    /// <summary>Where a memory comes from that says nothing about it.</summary>
    public const string DefaultSource = "mahavishnu";

    /// <returns>Null when something is wrong; <paramref name="errors"/> says what.</returns>
    public static MemoryDraft? Read(NewMemory memory, DateTimeOffset now, FieldErrors errors)
    {
        var id = MemoryFields.Id(memory.Id, errors);
        var draft = new MemoryDraft
        {
            Id = id ?? Guid.CreateVersion7(now),
            IdGiven = id is not null,
            Type = MemoryFields.Type(memory.Type, errors),
            Source = MemoryFields.Name("source", memory.Source, errors) ?? DefaultSource,
            Title = MemoryFields.Name("title", memory.Title, errors),
            Content = MemoryFields.Content(memory.Content, errors),
            Tags = MemoryFields.Tags(memory.Tags, errors),
            ProjectId = MemoryFields.Name("projectId", memory.ProjectId, errors),
            AgentId = MemoryFields.Name("agentId", memory.AgentId, errors),
            WorkflowId = MemoryFields.Name("workflowId", memory.WorkflowId, errors),
            RepoId = MemoryFields.Name("repoId", memory.RepoId, errors),
            SessionId = MemoryFields.Name("sessionId", memory.SessionId, errors),
            Metadata = MemoryFields.Metadata(memory.Metadata, errors),
            OccurredAt = MemoryFields.Time("occurredAt", memory.OccurredAt, errors) ?? now,
            ExpiresAt = MemoryFields.Time("expiresAt", memory.ExpiresAt, errors),
            Supersedes = MemoryFields.Id(memory.Supersedes, errors, "supersedes"),
        };
        return errors.Any ? null : draft with { DedupeKey = DedupeKeys.ForMemory(draft.Type, draft.ProjectId, draft.ContentHash) };
    }

    /// <summary>A patch that has been checked, as a function from the memory there to what it shall be.</summary>
    /// <param name="given">Names (wire spelling) of the properties that the client sent; the others stay.</param>
    /// <returns>Null when something is wrong; <paramref name="errors"/> says what.</returns>
    public static Func<Memory, MemoryDraft>? Read(MemoryPatch patch, IReadOnlySet<string> given, FieldErrors errors)
    {
        var title = MemoryFields.Name("title", patch.Title, errors);
        var content = given.Contains("content") ? MemoryFields.Content(patch.Content, errors) : null;
        var tags = MemoryFields.Tags(patch.Tags, errors);
        var projectId = MemoryFields.Name("projectId", patch.ProjectId, errors);
        var agentId = MemoryFields.Name("agentId", patch.AgentId, errors);
        var workflowId = MemoryFields.Name("workflowId", patch.WorkflowId, errors);
        var sessionId = MemoryFields.Name("sessionId", patch.SessionId, errors);
        var metadata = MemoryFields.Metadata(patch.Metadata, errors);
        var occurredAt = MemoryFields.Time("occurredAt", patch.OccurredAt, errors);
        var expiresAt = MemoryFields.Time("expiresAt", patch.ExpiresAt, errors);
        if (given.Contains("occurredAt") && occurredAt is null)
        {
            errors.Add("occurredAt", "The value can be changed, but not cleared.");
        }

        return errors.Any ? null : before => Same(before) with
        {
            Title = given.Contains("title") ? title : before.Title,
            Content = content ?? before.Content,
            Tags = given.Contains("tags") ? tags : before.Tags,
            ProjectId = given.Contains("projectId") ? projectId : before.ProjectId,
            AgentId = given.Contains("agentId") ? agentId : before.AgentId,
            WorkflowId = given.Contains("workflowId") ? workflowId : before.WorkflowId,
            SessionId = given.Contains("sessionId") ? sessionId : before.SessionId,
            Metadata = given.Contains("metadata") ? metadata : before.Metadata.GetRawText(),
            OccurredAt = occurredAt ?? before.OccurredAt,
            ExpiresAt = given.Contains("expiresAt") ? expiresAt : before.ExpiresAt,
        };
    }

    /// <summary>The draft that changes nothing.</summary>
    public static MemoryDraft Same(Memory memory) => new()
    {
        Id = memory.Id,
        Type = memory.Type,
        Source = memory.Source,
        RepoId = memory.RepoId,
        Title = memory.Title,
        Content = memory.Content,
        Tags = memory.Tags,
        ProjectId = memory.ProjectId,
        AgentId = memory.AgentId,
        WorkflowId = memory.WorkflowId,
        SessionId = memory.SessionId,
        Metadata = memory.Metadata.GetRawText(),
        OccurredAt = memory.OccurredAt,
        ExpiresAt = memory.ExpiresAt,
    };
}
