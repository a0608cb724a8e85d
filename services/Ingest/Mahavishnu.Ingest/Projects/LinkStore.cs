using System.Security.Cryptography;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Ingest;

/// <summary>A table whose rows join two names, and what its columns are called.</summary>
internal sealed record LinkTable(string Name, string Source, string Target, string Kind, string Text)
{
    public static LinkTable Dependencies { get; } = new("project_dependencies", "source_project", "target_project", "dependency_type", "description");
    public static LinkTable Sessions { get; } = new("session_links", "source_session", "target_session", "link_type", "context");
}

/// <summary>A link on its way in, checked and clean.</summary>
/// <param name="Metadata">JSON.</param>
internal sealed record LinkDraft(string Source, string Target, string Kind, string Text, string Metadata)
{
    /// <summary>The same for the same ends and kind (UUID version 8): whoever says it twice means one.</summary>
    public string Id
    {
        get
        {
            var hash = SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(new[] { Source, Target, Kind }, WireJson.Lenient)).AsSpan(..16);
            hash[6] = (byte)(0x80 | hash[6] & 0x0F);
            hash[8] = (byte)(0x80 | hash[8] & 0x3F);
            return new Guid(hash, bigEndian: true).ToString();
        }
    }
}

internal sealed record Link(string Id, string Source, string Target, string Kind, string Text, JsonElement Metadata, DateTimeOffset CreatedAt);

/// <param name="End">Null: all of them.</param>
/// <param name="Kind">Null: of every kind.</param>
internal sealed record LinkFilter(string? End, bool AsSource, bool AsTarget, string? Kind);

/// <summary>Dependencies of projects and links of sessions.</summary>
internal sealed class LinkStore(NpgsqlDataSource db, TenantScope tenant)
{
    public async Task<Link?> FindAsync(LinkTable table, string id, CancellationToken ct)
    {
        await using var command = SqlText.Command($"{Select(table)} WHERE tenant_id = $1 AND id = $2", db);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(id) });
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? Read(row) : null;
    }

    /// <summary>By id.</summary>
    /// <param name="after">The last one of the page before; "" for the beginning.</param>
    public async Task<(IReadOnlyList<Link> Items, bool More)> ListAsync(LinkTable table, LinkFilter filter, string after, int limit, CancellationToken ct)
    {
        await using var command = SqlText.Command($"""
            {Select(table)}
            WHERE tenant_id = $1 AND id > $2 AND ($3::text IS NULL OR $4 AND {table.Source} = $3 OR $5 AND {table.Target} = $3) AND ($6::text IS NULL OR {table.Kind} = $6)
            ORDER BY id LIMIT $7 + 1
            """, db);
        command.Parameters.AddRange(new[]
        {
            Text(tenant.Current), Text(after), Text(filter.End), new NpgsqlParameter<bool> { TypedValue = filter.AsSource }, new NpgsqlParameter<bool> { TypedValue = filter.AsTarget },
            Text(filter.Kind), new NpgsqlParameter<int> { TypedValue = limit },
        });
        return await RowPage.ReadAsync(command, limit, Read, ct);
    }

    /// <returns>The id of the one with these ends and kind, and whether it is new. An imported one has an id of its own.</returns>
    public async Task<(string Id, bool Created)> AddAsync(LinkTable table, LinkDraft link, CancellationToken ct)
    {
        await using var command = SqlText.Command($"""
            WITH known AS (
                SELECT id FROM {table.Name} WHERE tenant_id = $1 AND {table.Source} = $3 AND {table.Target} = $4 AND {table.Kind} = $5 ORDER BY created_at, id LIMIT 1),
            made AS (
                INSERT INTO {table.Name} (tenant_id, id, {table.Source}, {table.Target}, {table.Kind}, {table.Text}, metadata)
                SELECT $1, $2, $3, $4, $5, $6, $7 WHERE NOT EXISTS (SELECT FROM known) ON CONFLICT DO NOTHING RETURNING id)
            SELECT id, true FROM made UNION ALL SELECT id, false FROM known
            """, db);
        command.Parameters.AddRange(new[]
        {
            Text(tenant.Current), Text(link.Id), Text(link.Source), Text(link.Target), Text(link.Kind), Text(link.Text), Jsonb(link.Metadata),
        });
        await using var row = await command.ExecuteReaderAsync(ct);
        // Neither: somebody else made the same one in this moment.
        return await row.ReadAsync(ct) ? (row.GetString(0), row.GetBoolean(1)) : (link.Id, false);
    }

    /// <returns>False: there is none of this id.</returns>
    public async Task<bool> DeleteAsync(LinkTable table, string id, CancellationToken ct)
    {
        await using var command = SqlText.Command($"DELETE FROM {table.Name} WHERE tenant_id = $1 AND id = $2", db);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(id) });
        return await command.ExecuteNonQueryAsync(ct) > 0;
    }

    private static string Select(LinkTable t) => $"SELECT id, {t.Source}, {t.Target}, {t.Kind}, {t.Text}, metadata, created_at FROM {t.Name}";

    private static Link Read(NpgsqlDataReader row) =>
        new(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), JsonElement.Parse(row.GetString(5)), row.GetFieldValue<DateTimeOffset>(6));
}
