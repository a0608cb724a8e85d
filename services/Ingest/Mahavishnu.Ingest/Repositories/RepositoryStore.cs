using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Npgsql;
using NpgsqlTypes;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Ingest;

/// <summary>A file as the last run left it.</summary>
internal sealed record StoredFile(byte[] BlobHash, byte[] SettingsHash);

/// <summary>Repositories as rows: their runs, their files, and what of them is there. The chunks go through the one write path.</summary>
internal sealed partial class RepositoryStore(NpgsqlDataSource db, TenantScope tenant, MemoryWriteStore memories, EmbeddingSignal signal, StorageTelemetry telemetry)
{
    // The newest run that got anywhere speaks for the repository; one whose operation ended without it is as that says.
    private const string RepositorySql = """
        SELECT i.repo_id, i.repo_path, i.commit_id, coalesce(f.files, 0), coalesce(f.chunks, 0),
               CASE WHEN i.status = 'running' AND o.state IN ('failed', 'cancelled') THEN o.state ELSE i.status END,
               coalesce(i.finished_at, i.started_at)
        FROM (SELECT DISTINCT ON (repo_id) * FROM rag_ingestions
              WHERE tenant_id = $1 AND ($2::text IS NULL OR repo_id = $2) ORDER BY repo_id, started_at DESC) i
        LEFT JOIN (SELECT repo_id, count(*) AS files, sum(chunks) AS chunks FROM rag_files
                   WHERE tenant_id = $1 AND ($2::text IS NULL OR repo_id = $2) GROUP BY repo_id) f ON f.repo_id = i.repo_id
        LEFT JOIN operations o ON o.tenant_id = $1 AND o.id = i.id
        ORDER BY i.repo_id
        """;

    public async Task<Repository?> FindAsync(string repoId, CancellationToken ct) => (await ReadAsync(repoId, ct)).SingleOrDefault();

    /// <summary>By name.</summary>
    public Task<IReadOnlyList<Repository>> ListAsync(CancellationToken ct) => ReadAsync(null, ct);

    /// <summary>Marks the beginning of a run, or its continuation after a crash.</summary>
    public async Task BeginAsync(Guid id, RepositoryInput input, string? commit, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            INSERT INTO rag_ingestions (tenant_id, id, repo_id, repo_path, project_id, commit_id, status) VALUES ($1, $2, $3, $4, $5, $6, 'running')
            ON CONFLICT (tenant_id, id) DO UPDATE SET status = 'running', commit_id = excluded.commit_id, finished_at = NULL
            """);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(id), Text(input.RepoId), Text(input.Path), Text(input.ProjectId), Text(commit) });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Marks a run as done. One that fails or is cancelled needs no mark: its operation says so.</summary>
    /// <param name="counts">The run's result as a JSON object.</param>
    public async Task CompleteAsync(Guid id, string counts, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            UPDATE rag_ingestions i SET status = 'completed', counts = $3, finished_at = now(), files = f.files, chunks = f.chunks
            FROM (SELECT count(*) AS files, coalesce(sum(chunks), 0) AS chunks FROM rag_files
                  WHERE tenant_id = $1 AND repo_id = (SELECT repo_id FROM rag_ingestions WHERE tenant_id = $1 AND id = $2)) f
            WHERE tenant_id = $1 AND id = $2
            """);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(id), new NpgsqlParameter { Value = counts, NpgsqlDbType = NpgsqlDbType.Jsonb } });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Every file of the repository by its path.</summary>
    public async Task<Dictionary<string, StoredFile>> FilesAsync(string repoId, CancellationToken ct)
    {
        await using var command = db.CreateCommand("SELECT path, blob_hash, settings_hash FROM rag_files WHERE tenant_id = $1 AND repo_id = $2");
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(repoId) });
        var files = new Dictionary<string, StoredFile>(StringComparer.Ordinal);
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            files.Add(row.GetString(0), new StoredFile(row.GetFieldValue<byte[]>(1), row.GetFieldValue<byte[]>(2)));
        }

        return files;
    }

    /// <summary>Chunks of the repository.</summary>
    public async Task<int> CountChunksAsync(string repoId, CancellationToken ct)
    {
        await using var command = db.CreateCommand("SELECT coalesce(sum(chunks), 0)::int FROM rag_files WHERE tenant_id = $1 AND repo_id = $2");
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(repoId) });
        return (int)(await command.ExecuteScalarAsync(ct))!;
    }

    private async Task<IReadOnlyList<Repository>> ReadAsync(string? repoId, CancellationToken ct)
    {
        await using var command = db.CreateCommand(RepositorySql);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(repoId) });
        var repositories = new List<Repository>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            repositories.Add(new Repository(
                row.GetString(0), row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2), (int)row.GetInt64(3), (int)row.GetInt64(4), row.GetString(5),
                row.GetFieldValue<DateTimeOffset>(6)));
        }

        return repositories;
    }
}
