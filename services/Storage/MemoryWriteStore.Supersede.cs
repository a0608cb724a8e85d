using Mahavishnu.Contracts;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Storage;

/// <summary>What became of putting one memory in the place of another.</summary>
public enum SupersedeStatus
{
    Done,

    /// <summary>It was so already.</summary>
    Unchanged,

    /// <summary>There is no such memory to be superseded.</summary>
    NotFound,

    /// <summary>There is no such memory to take the place.</summary>
    ByNotFound,

    /// <summary>A memory cannot take its own place.</summary>
    Itself,

    /// <summary>The one to take the place is superseded by the other one, directly or by way of others.</summary>
    Cycle,

    /// <summary>Another memory has taken the place (<see cref="SupersedeResult.Other"/>).</summary>
    Taken,
}

/// <param name="Memory">The superseded memory as it is now, where there is one.</param>
/// <param name="Other">The memory that has taken the place before.</param>
public sealed record SupersedeResult(SupersedeStatus Status, Memory? Memory = null, Guid? Other = null)
{
    /// <summary>Why it was refused, in words.</summary>
    public string Reason(Guid id, Guid by) => Status switch
    {
        SupersedeStatus.NotFound => $"There is no memory {id} to be superseded.",
        SupersedeStatus.ByNotFound => $"There is no memory {by} to take the place of another.",
        SupersedeStatus.Itself => "A memory cannot supersede itself.",
        SupersedeStatus.Cycle => $"The memory {by} is itself superseded by {id}, directly or by way of others.",
        SupersedeStatus.Taken => $"The memory {id} is superseded by {Other} already. Supersede that one, or take the superseding back first.",
        _ => "",
    };
}

/// <summary>Memories that take the place of others.</summary>
public sealed partial class MemoryWriteStore
{
    // "mahasupe"
    private const long SupersedeLock = 0x6d61686173757065;

    /// <summary>Puts a memory in the place of another, which leaves lists and searches; its former state goes into its history.</summary>
    public Task<SupersedeResult> SupersedeAsync(Guid id, Guid by, CancellationToken ct) =>
        InTransactionAsync((transaction, token) => SupersedeAsync(transaction, id, by, token), repeatable: true, ct);

    /// <summary>Takes a superseding back.</summary>
    public Task<ChangeResult> UnsupersedeAsync(Guid id, CancellationToken ct) =>
        InTransactionAsync(
            async (transaction, token) =>
            {
                var before = await LockAsync(transaction, id, token);
                if (before is null || before.DeletedAt is not null)
                {
                    return new ChangeResult(ChangeStatus.NotFound);
                }

                if (before.SupersededBy is null)
                {
                    return new ChangeResult(ChangeStatus.Unchanged, before);
                }

                await ReleaseAsync(transaction, [id], token);
                return new ChangeResult(ChangeStatus.Changed, await LockAsync(transaction, id, token));
            },
            repeatable: true,
            ct);

    private async Task<SupersedeResult> SupersedeAsync(NpgsqlTransaction transaction, Guid id, Guid by, CancellationToken ct)
    {
        if (id == by)
        {
            return new SupersedeResult(SupersedeStatus.Itself);
        }

        await LockSupersedingAsync(transaction, ct);
        // In the order of their ids, as whoever deletes several does.
        await ExecuteAsync(transaction, "SELECT FROM memories WHERE tenant_id = $1 AND id = ANY($2) ORDER BY id FOR UPDATE", ct, Text(tenant.Current), Uuids([id, by]));
        if (await LockAsync(transaction, id, ct) is not { DeletedAt: null } before)
        {
            return new SupersedeResult(SupersedeStatus.NotFound);
        }

        if (await LockAsync(transaction, by, ct) is not { DeletedAt: null })
        {
            return new SupersedeResult(SupersedeStatus.ByNotFound);
        }

        if (before.SupersededBy is { } other)
        {
            return other == by ? new SupersedeResult(SupersedeStatus.Unchanged, before) : new SupersedeResult(SupersedeStatus.Taken, before, other);
        }

        if (await LeadsToAsync(transaction, by, id, ct))
        {
            return new SupersedeResult(SupersedeStatus.Cycle, before);
        }

        await RecordAsync(transaction, [id], MemoryChanges.Supersede, ct);
        await ExecuteAsync(
            transaction, "UPDATE memories SET superseded_by = $3, superseded_at = now(), updated_at = now(), version = version + 1 WHERE tenant_id = $1 AND id = $2", ct,
            Text(tenant.Current), Uuid(id), Uuid(by));
        return new SupersedeResult(SupersedeStatus.Done, await LockAsync(transaction, id, ct));
    }

    /// <summary>Drafts that take the place of others, each by itself: one that may not is not stored, and the others are.</summary>
    private async Task WriteSupersedingAsync(
        NpgsqlTransaction transaction, IReadOnlyList<MemoryDraft> drafts, List<int> superseding, WriteMode mode, WriteOutcome?[] outcomes, CancellationToken ct)
    {
        const string Savepoint = "superseding";
        foreach (var index in superseding)
        {
            var old = drafts[index].Supersedes!.Value;
            await transaction.SaveAsync(Savepoint, ct);
            var outcome = (await WriteAsync(transaction, [drafts[index] with { Supersedes = null }], mode, ct))[0];
            if (outcome.Status is not (WriteStatus.Conflict or WriteStatus.Missing))
            {
                var result = await SupersedeAsync(transaction, old, outcome.Id, ct);
                if (result.Status is not (SupersedeStatus.Done or SupersedeStatus.Unchanged))
                {
                    await transaction.RollbackAsync(Savepoint, ct);
                    var missing = result.Status is SupersedeStatus.NotFound or SupersedeStatus.ByNotFound;
                    outcome = new WriteOutcome(outcome.Id, missing ? WriteStatus.Missing : WriteStatus.Conflict, result.Reason(old, outcome.Id)) { Field = "supersedes" };
                }
            }

            outcomes[index] = outcome;
            await transaction.ReleaseAsync(Savepoint, ct);
        }
    }

    /// <summary>One who supersedes at a time: else two could close a circle, each seeing only its own half.</summary>
    private Task LockSupersedingAsync(NpgsqlTransaction transaction, CancellationToken ct) =>
        ExecuteAsync(transaction, $"SELECT pg_advisory_xact_lock(hashtextextended($1, {SupersedeLock}))", ct, Text(tenant.Current));

    /// <summary>Whether the memories in whose place others stand lead from one to another.</summary>
    private async Task<bool> LeadsToAsync(NpgsqlTransaction transaction, Guid from, Guid to, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            WITH RECURSIVE chain AS (
                SELECT superseded_by AS id FROM memories WHERE tenant_id = $1 AND id = $2
                UNION
                SELECT m.superseded_by FROM chain c JOIN memories m ON m.tenant_id = $1 AND m.id = c.id)
            SELECT EXISTS (SELECT FROM chain WHERE id = $3)
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(from), Uuid(to) });
        return await command.ExecuteScalarAsync(ct) is true;
    }

    private async Task ReleaseAsync(NpgsqlTransaction transaction, Guid[] ids, CancellationToken ct)
    {
        await RecordAsync(transaction, ids, MemoryChanges.Unsupersede, ct);
        await ExecuteAsync(
            transaction, "UPDATE memories SET superseded_by = NULL, superseded_at = NULL, updated_at = now(), version = version + 1 WHERE tenant_id = $1 AND id = ANY($2)", ct,
            Text(tenant.Current), Uuids(ids));
    }

    /// <summary>Memories whose place is taken by some that are about to go for good: by whoever stands in the place of those, or theirs again.</summary>
    private async Task CloseUpAsync(NpgsqlTransaction transaction, Guid[] gone, CancellationToken ct)
    {
        var heirs = new List<(Guid Id, Guid? Heir)>();
        await using (var command = new NpgsqlCommand("""
            WITH RECURSIVE chain AS (
                SELECT m.id, m.superseded_by AS heir FROM memories m WHERE m.tenant_id = $1 AND m.superseded_by = ANY($2) AND m.id <> ALL($2)
                UNION
                SELECT c.id, m.superseded_by FROM chain c JOIN memories m ON m.tenant_id = $1 AND m.id = c.heir WHERE c.heir = ANY($2))
            SELECT id, heir FROM chain WHERE heir IS NULL OR heir <> ALL($2) ORDER BY id
            """, transaction.Connection, transaction))
        {
            command.Parameters.AddRange(new[] { Text(tenant.Current), Uuids(gone) });
            await using var row = await command.ExecuteReaderAsync(ct);
            while (await row.ReadAsync(ct))
            {
                heirs.Add((row.GetGuid(0), row.IsDBNull(1) ? null : row.GetGuid(1)));
            }
        }

        if (heirs.Where(h => h.Heir is null).Select(h => h.Id).ToArray() is { Length: > 0 } free)
        {
            await ReleaseAsync(transaction, free, ct);
        }

        if (heirs.Where(h => h.Heir is not null).ToList() is { Count: > 0 } inherited)
        {
            await RecordAsync(transaction, [.. inherited.Select(h => h.Id)], MemoryChanges.Supersede, ct);
            await ExecuteAsync(transaction, """
                UPDATE memories m SET superseded_by = h.heir, updated_at = now(), version = version + 1
                FROM unnest($2, $3) AS h(id, heir) WHERE m.tenant_id = $1 AND m.id = h.id
                """, ct, Text(tenant.Current), Uuids([.. inherited.Select(h => h.Id)]), Uuids([.. inherited.Select(h => h.Heir!.Value)]));
        }
    }
}
