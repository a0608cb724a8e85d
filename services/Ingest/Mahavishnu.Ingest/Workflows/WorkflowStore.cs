using System.Text.Json.Nodes;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using NpgsqlTypes;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Ingest;

/// <summary>Executions on their way in and on: the row, and its memory through the one write path, in one transaction.</summary>
internal sealed class WorkflowStore(MemoryWriteStore memories, TenantScope tenant, TimeProvider time)
{
    /// <returns>Created; a duplicate where the given id has the same execution; or a conflict.</returns>
    public Task<WriteOutcome> AddAsync(WorkflowDraft draft, CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var memory = draft.ToMemory(now);
        return memories.InTransactionAsync(
            async (transaction, token) =>
            {
                var outcome = (await memories.WriteAsync(transaction, [memory], WriteMode.Insert, token))[0];
                if (outcome.Status == WriteStatus.Created)
                {
                    await InsertAsync(transaction, draft, token);
                    return outcome;
                }

                return await LockAsync(transaction, draft.Id, token) is { } there ? Compare(draft, there, now)
                    : new WriteOutcome(draft.Id, WriteStatus.Conflict, outcome.Reason ?? "The id belongs to a memory that is no execution.");
            },
            // The id is made before the first attempt: a second one finds what the first has written.
            repeatable: true,
            ct);
    }

    /// <returns>Null: it is as was said, now or already.</returns>
    public Task<ProblemHttpResult?> MoveAsync(Guid id, WorkflowMove move, CancellationToken ct) =>
        memories.InTransactionAsync(
            async (transaction, token) =>
            {
                if (await LockAsync(transaction, id, token) is not { } execution)
                {
                    return ReadWorkflows.Missing(id);
                }

                var (after, refused) = move.On(StateOf(execution));
                if (after is null)
                {
                    return refused;
                }

                await UpdateAsync(transaction, id, after, token);
                await memories.UpdateAsync(transaction, execution.MemoryId, null, before => Tell(before, execution, after), token);
                return null;
            },
            // Said again, it is as was said.
            repeatable: true,
            ct);

    private static WriteOutcome Compare(WorkflowDraft draft, WorkflowExecution there, DateTimeOffset now)
    {
        if (draft.WorkflowId != there.WorkflowId || draft.Adapter != there.Adapter || draft.Goal != there.Goal)
        {
            return new WriteOutcome(draft.Id, WriteStatus.Conflict, "The id exists with another workflow, adapter or goal.");
        }

        var state = draft.State;
        if (!WorkflowStatuses.IsFinal(state.Status))
        {
            return new WriteOutcome(draft.Id, WriteStatus.Duplicate);
        }

        if (!WorkflowStatuses.IsFinal(there.Status))
        {
            return new WriteOutcome(draft.Id, WriteStatus.Conflict, $"The execution is {there.Status}; :finish, :fail or :cancel says that it is over.");
        }

        var (_, refused) = new WorkflowMove(state.Status, now) { Result = state.Result, Error = state.Error }.On(StateOf(there));
        return refused is null ? new WriteOutcome(draft.Id, WriteStatus.Duplicate) : new WriteOutcome(draft.Id, WriteStatus.Conflict, refused.ProblemDetails.Detail);
    }

    private static WorkflowState StateOf(WorkflowExecution execution) => new(execution.Status)
    {
        Result = execution.Result?.GetRawText(),
        Error = execution.Error,
        StartedAt = execution.StartedAt,
        FinishedAt = execution.FinishedAt,
        Seconds = execution.DurationSeconds,
    };

    /// <summary>The memory as the execution has it now; what somebody else said about it stays.</summary>
    private static MemoryDraft Tell(Memory before, WorkflowExecution execution, WorkflowState after)
    {
        var metadata = JsonNode.Parse(before.Metadata.GetRawText())!.AsObject();
        metadata["status"] = after.Status;
        return MemoryInput.Same(before) with
        {
            Content = WorkflowWords.Content(execution.WorkflowId, execution.Adapter, execution.Repos, execution.Goal, after),
            Metadata = metadata.ToJsonString(WireJson.Strict),
            OccurredAt = after.StartedAt ?? before.OccurredAt,
        };
    }

    private async Task InsertAsync(NpgsqlTransaction transaction, WorkflowDraft draft, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            INSERT INTO workflow_executions (tenant_id, id, workflow_id, adapter, repos, status, goal, input, result, error_message, started_at, finished_at, duration_seconds, memory_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $2)
            ON CONFLICT DO NOTHING
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(new[]
        {
            Text(tenant.Current), Uuid(draft.Id), Text(draft.WorkflowId), Text(draft.Adapter), Texts(draft.Repos), Text(draft.State.Status), Text(draft.Goal), Json(draft.Input),
        });
        command.Parameters.AddRange(Parameters(draft.State));
        await command.ExecuteNonQueryAsync(ct);
    }

    private async Task UpdateAsync(NpgsqlTransaction transaction, Guid id, WorkflowState state, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            UPDATE workflow_executions SET status = $3, result = $4, error_message = $5, started_at = $6, finished_at = $7, duration_seconds = $8
            WHERE tenant_id = $1 AND id = $2
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(id), Text(state.Status) });
        command.Parameters.AddRange(Parameters(state));
        await command.ExecuteNonQueryAsync(ct);
    }

    private async Task<WorkflowExecution?> LockAsync(NpgsqlTransaction transaction, Guid id, CancellationToken ct)
    {
        await using var command = SqlText.Command(
            $"SELECT {WorkflowReadStore.Columns} FROM {WorkflowReadStore.Rows} WHERE w.tenant_id = $1 AND w.id = $2 FOR UPDATE OF w, m", transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(id) });
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? WorkflowReadStore.Read(row) : null;
    }

    /// <summary>Result, error, start, end and duration.</summary>
    private static NpgsqlParameter[] Parameters(WorkflowState state) =>
    [
        Json(state.Result), Text(state.Error), Time(state.StartedAt), Time(state.FinishedAt),
        new NpgsqlParameter { Value = (object?)state.Seconds ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Double },
    ];

    private static NpgsqlParameter Json(string? json) => new() { Value = (object?)json ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Jsonb };
}
