using Mahavishnu.Contracts;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Storage;

/// <summary>
/// Memories as they were at a time. A change leaves in <c>memory_history</c> what was there before it, so the state of then is what the first change since found; without
/// one it is what is there now. A memory counts from when it was stored or from when it happened, whichever was earlier: what an import brought late was valid before.
/// </summary>
public sealed class MemoryTimeStore(NpgsqlDataSource db, TenantScope tenant)
{
    /// <summary>The row <c>c</c> of memories as it was at a time (a parameter), as JSON; <c>jsonb_populate_record(NULL::memories, …)</c> makes a row of it again.</summary>
    public static string Then(string time) => $"coalesce({FirstChangeSince("c", time)}, to_jsonb(c) - 'words')";

    /// <summary>Whether a row (an alias), as it was at a time (a parameter), was there then and had not expired.</summary>
    public static string IsThere(string row, string time) => $"least({row}.created_at, {row}.occurred_at) <= {time} AND ({row}.expires_at IS NULL OR {row}.expires_at > {time})";

    /// <summary>Whether the row (an alias) of memories was valid at a time (a parameter), without making its state of then: the times that bound it count as they are now.</summary>
    /// <param name="superseded">Also one that was superseded by then.</param>
    public static string WasValid(string row, string time, bool superseded)
    {
        string Condition(Func<string, string> column) => superseded ? $"{column("deleted_at")} IS NULL" : $"{column("deleted_at")} IS NULL AND {column("superseded_by")} IS NULL";
        var now = Condition(c => $"{row}.{c}");
        return $"""
            {IsThere(row, time)} AND CASE WHEN {row}.updated_at <= {time} THEN {now}
                ELSE coalesce((SELECT {Condition(c => $"(h.memory ->> '{c}')")} FROM memory_history h
                               WHERE h.tenant_id = {row}.tenant_id AND h.memory_id = {row}.id AND h.changed_at > {time} ORDER BY h.version LIMIT 1), {now}) END
            """;
    }

    /// <summary>Memories as they were at a time, deleted and superseded ones too, by their ids; those that were not there yet, or had expired, are left out.</summary>
    public async Task<IReadOnlyDictionary<Guid, Memory>> FindAsync(IReadOnlyCollection<Guid> ids, DateTimeOffset time, CancellationToken ct)
    {
        await using var command = SqlText.Command($"""
            SELECT {MemoryRowStore.Columns}
            FROM memories c, jsonb_populate_record(NULL::memories, {Then("$3")}) m
            WHERE c.tenant_id = $1 AND c.id = ANY($2) AND {IsThere("m", "$3")}
            """, db);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuids([.. ids]), Time(time) });
        var found = new Dictionary<Guid, Memory>(ids.Count);
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var memory = MemoryRowStore.Read(row);
            found.Add(memory.Id, memory);
        }

        return found;
    }

    /// <summary>Of these memories those that are superseded, and by whom.</summary>
    public async Task<IReadOnlyDictionary<Guid, Guid>> SupersededAsync(IReadOnlyCollection<Guid> ids, CancellationToken ct)
    {
        await using var command = db.CreateCommand("SELECT id, superseded_by FROM memories WHERE tenant_id = $1 AND id = ANY($2) AND superseded_by IS NOT NULL");
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuids([.. ids]) });
        var found = new Dictionary<Guid, Guid>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            found.Add(row.GetGuid(0), row.GetGuid(1));
        }

        return found;
    }

    private static string FirstChangeSince(string row, string time) =>
        $"(SELECT h.memory FROM memory_history h WHERE h.tenant_id = {row}.tenant_id AND h.memory_id = {row}.id AND h.changed_at > {time} ORDER BY h.version LIMIT 1)";
}
