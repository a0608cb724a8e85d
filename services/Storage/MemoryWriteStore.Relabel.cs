using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Storage;

/// <summary>Memories whose text stayed while what is said about them changed.</summary>
public sealed partial class MemoryWriteStore
{
    /// <summary>
    /// Gives stored memories the title, metadata and project of drafts with the same content: for chunks whose text stayed while their place moved. They keep
    /// their vectors unless what is embedded or filtered beside them changed. No history is kept of it: the text is the memory, its place is not.
    /// </summary>
    /// <param name="labels">A stored memory's id with the draft that describes it now.</param>
    /// <returns>How many differed.</returns>
    public async Task<int> RelabelAsync(NpgsqlTransaction transaction, IReadOnlyCollection<(Guid Id, MemoryDraft Draft)> labels, CancellationToken ct)
    {
        if (labels.Count == 0)
        {
            return 0;
        }

        var changed = 0;
        var embedAgain = new List<Guid>();
        await using (var command = new NpgsqlCommand("""
            UPDATE memories m SET title = n.title, metadata = n.metadata::jsonb, project_id = n.project_id, updated_at = now(), version = m.version + 1
            FROM (SELECT * FROM unnest($2, $3, $4, $5) AS l(id, title, metadata, project_id) ORDER BY id) AS n
            JOIN memories o ON o.tenant_id = $1 AND o.id = n.id
            WHERE m.tenant_id = $1 AND m.id = n.id
              AND (m.title IS DISTINCT FROM n.title OR m.metadata <> n.metadata::jsonb OR m.project_id IS DISTINCT FROM n.project_id)
            RETURNING m.id, o.title IS DISTINCT FROM m.title OR o.project_id IS DISTINCT FROM m.project_id
            """, transaction.Connection, transaction))
        {
            command.Parameters.AddRange(new NpgsqlParameter[]
            {
                Text(tenant.Current),
                Uuids([.. labels.Select(l => l.Id)]),
                new NpgsqlParameter<string?[]> { TypedValue = [.. labels.Select(l => l.Draft.Title)] },
                new NpgsqlParameter<string[]> { TypedValue = [.. labels.Select(l => l.Draft.Metadata)] },
                new NpgsqlParameter<string?[]> { TypedValue = [.. labels.Select(l => l.Draft.ProjectId)] },
            });
            await using var row = await command.ExecuteReaderAsync(ct);
            while (await row.ReadAsync(ct))
            {
                changed++;
                if (row.GetBoolean(1))
                {
                    embedAgain.Add(row.GetGuid(0));
                }
            }
        }

        if (embedAgain.Count > 0)
        {
            await EnqueueAsync(transaction, [.. embedAgain], ct);
        }

        return changed;
    }
}
