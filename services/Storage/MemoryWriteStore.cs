using Npgsql;
using NpgsqlTypes;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Storage;

/// <summary>The ONE write path: every memory of every writer comes in, changes and goes through here, with its place in the embedding queue in the same transaction.</summary>
/// <param name="languages">Null: English.</param>
/// <param name="kept">Null: no statement is kept prepared.</param>
public sealed partial class MemoryWriteStore(
    NpgsqlDataSource db, TenantScope tenant, EmbeddingSignal signal, StorageTelemetry telemetry, TextLanguages? languages = null, KeptStatements? kept = null)
{
    private readonly TextLanguages _languages = languages ?? TextLanguages.Standard;

    // Rows up to which one JSON parameter beats a staging table (creating one costs about 1 ms and catalogue churn).
    private const int SmallBatch = 32;
    private const int SmallBatchLength = 1024 * 1024;

    // "mahagain"
    private const long AgainLock = 0x6d616861676169;

    private const string DraftColumns =
        "id, memory_type, source_system, title, content, content_hash, dedupe_key, tags, agent_id, workflow_id, repo_id, project_id, session_id, metadata, provenance, occurred_at, expires_at";

    /// <summary>Writes a batch in a transaction of its own, again if a passing trouble undid it.</summary>
    /// <returns>One outcome a draft, in order.</returns>
    public async Task<IReadOnlyList<WriteOutcome>> WriteAsync(IReadOnlyList<MemoryDraft> drafts, WriteMode mode, CancellationToken ct)
    {
        var attempts = 0;
        var outcomes = await TransientRetry.RunAsync(
            async token =>
            {
                await using var connection = await db.OpenConnectionAsync(token);
                await using var transaction = await connection.BeginTransactionAsync(token);
                if (attempts++ > 0)
                {
                    // Perhaps a deadlock undid the first attempt: its victims come one after the other.
                    await ExecuteAsync(transaction, $"SELECT pg_advisory_xact_lock({AgainLock})", token);
                }

                var written = await WriteAsync(transaction, drafts, mode, token);
                await transaction.CommitAsync(token);
                return written;
            },
            ct);
        signal.Raise();
        telemetry.Stored(drafts.Zip(outcomes, (draft, outcome) => (draft.Type, outcome.Status)));
        return outcomes;
    }

    /// <summary>Writes a batch within the caller's transaction, so that rows of other tables stand or fall with it. The caller commits, then raises <see cref="EmbeddingSignal"/> and counts by <see cref="StorageTelemetry.Stored"/>.</summary>
    public async Task<IReadOnlyList<WriteOutcome>> WriteAsync(NpgsqlTransaction transaction, IReadOnlyList<MemoryDraft> drafts, WriteMode mode, CancellationToken ct)
    {
        var outcomes = new WriteOutcome?[drafts.Count];
        var superseding = Enumerable.Range(0, drafts.Count).Where(i => drafts[i].Supersedes is not null).ToList();
        if (superseding.Count > 0)
        {
            // Before any row is locked: who waits for it holds nothing that others want.
            await LockSupersedingAsync(transaction, ct);
        }

        var (rows, twins) = BatchTwins.Find(drafts);

        var created = rows.Count <= SmallBatch && rows.Sum(i => (long)drafts[i].Content.Length) <= SmallBatchLength
            ? await InsertSmallAsync(transaction, drafts, rows, mode, ct)
            : await InsertLargeAsync(transaction, drafts, rows, mode, ct);
        var known = new List<int>();
        foreach (var index in rows)
        {
            if (created.Contains(drafts[index].Id))
            {
                outcomes[index] = new WriteOutcome(drafts[index].Id, WriteStatus.Created);
            }
            else
            {
                known.Add(index);
            }
        }

        if (known.Count > 0)
        {
            await MeetAsync(transaction, drafts, known, mode, outcomes, ct);
        }

        foreach (var (index, first) in twins)
        {
            outcomes[index] = BatchTwins.Outcome(drafts[index], drafts[first], outcomes[first]!);
        }

        await WriteSupersedingAsync(transaction, drafts, superseding, mode, outcomes, ct);
        return outcomes!;
    }

    private async Task<HashSet<Guid>> InsertSmallAsync(NpgsqlTransaction transaction, IReadOnlyList<MemoryDraft> drafts, List<int> rows, WriteMode mode, CancellationToken ct)
    {
        if (rows.Count == 0)
        {
            return [];
        }

        await using var command = SqlText.Command($"""
            WITH staged AS MATERIALIZED (
                SELECT id, memory_type, source_system, title, content, decode(content_hash, 'hex') AS content_hash, dedupe_key, tags,
                       agent_id, workflow_id, repo_id, project_id, session_id, metadata, provenance, occurred_at, expires_at
                FROM jsonb_to_recordset($3) AS s(
                    id uuid, memory_type text, source_system text, title text, content text, content_hash text, dedupe_key text, tags text[],
                    agent_id text, workflow_id text, repo_id text, project_id text, session_id text, metadata jsonb, provenance jsonb,
                    occurred_at timestamptz, expires_at timestamptz)),
            {InsertStaged(mode, firstOfLanguages: 4)}
            """, transaction);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant.Current });
        command.Parameters.Add(Text(TraceText.Current));
        command.Parameters.Add(new NpgsqlParameter { Value = DraftJson.Write(drafts, rows), NpgsqlDbType = NpgsqlDbType.Jsonb });
        AddLanguages(command);
        if (kept is not null)
        {
            // Planning it takes as long as doing it for one memory.
            await kept.PrepareAsync(command, ct);
        }

        return await ReadIdsAsync(command, ct);
    }

    private async Task<HashSet<Guid>> InsertLargeAsync(NpgsqlTransaction transaction, IReadOnlyList<MemoryDraft> drafts, List<int> rows, WriteMode mode, CancellationToken ct)
    {
        var connection = transaction.Connection!;
        await ExecuteAsync(transaction, """
            DROP TABLE IF EXISTS pg_temp.staged;
            CREATE TEMP TABLE staged (
                id uuid, memory_type text, source_system text, title text, content text, content_hash bytea, dedupe_key text, tags text[],
                agent_id text, workflow_id text, repo_id text, project_id text, session_id text, metadata jsonb, provenance jsonb,
                occurred_at timestamptz, expires_at timestamptz) ON COMMIT DROP
            """, ct);
        await using (var copy = await connection.BeginBinaryImportAsync($"COPY pg_temp.staged ({DraftColumns}) FROM STDIN (FORMAT BINARY)", ct))
        {
            foreach (var index in rows)
            {
                await CopyAsync(copy, drafts[index], ct);
            }

            await copy.CompleteAsync(ct); // without it, disposing rolls the COPY back
        }

        await using var command = SqlText.Command($"WITH {InsertStaged(mode, firstOfLanguages: 3)}", transaction);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant.Current });
        command.Parameters.Add(Text(TraceText.Current));
        AddLanguages(command);
        return await ReadIdsAsync(command, ct);
    }

    // $1 tenant, $2 trace, then the rest of the caller's own and the projects' languages. In the order of what they will meet by (a key, or for an upsert the id), so that two batches with the
    // same ones wait for each other instead of deadlocking.
    // What is known to be there is left out first: a row's words are computed before ON CONFLICT is asked, and they are
    // most of its cost. ON CONFLICT decides what others write at the same time.
    private string InsertStaged(WriteMode mode, int firstOfLanguages) => $"""
        created AS (
            INSERT INTO memories (tenant_id, lang, {DraftColumns})
            SELECT $1, {Language(firstOfLanguages)}::regconfig, {DraftColumns} FROM staged s
            WHERE NOT EXISTS (SELECT FROM memories m WHERE m.tenant_id = $1 AND m.id = s.id)
              AND NOT EXISTS (SELECT FROM memories m WHERE m.tenant_id = $1 AND m.dedupe_key = s.dedupe_key)
            ORDER BY {(mode == WriteMode.Upsert ? "id" : "dedupe_key, id")}
            ON CONFLICT DO NOTHING
            RETURNING id),
        queued AS (
            INSERT INTO embedding_queue (tenant_id, memory_id, space_id, trace)
            SELECT $1, c.id, s.id, $2 FROM created c CROSS JOIN embedding_spaces s WHERE s.state <> 'dropping')
        SELECT id FROM created
        """;

    private string Language(int parameter) => _languages.Projects.Count == 0
        ? $"'{_languages.Default}'"
        : $"coalesce((SELECT l.name FROM unnest(${parameter}, ${parameter + 1}) AS l(project, name) WHERE l.project = s.project_id), '{_languages.Default}')";

    private void AddLanguages(NpgsqlCommand command)
    {
        if (_languages.Projects.Count > 0)
        {
            command.Parameters.Add(Texts(_languages.Projects.Keys));
            command.Parameters.Add(Texts(_languages.Projects.Values));
        }
    }

    private static async Task CopyAsync(NpgsqlBinaryImporter copy, MemoryDraft draft, CancellationToken ct)
    {
        await copy.StartRowAsync(ct);
        await copy.WriteAsync(draft.Id, NpgsqlDbType.Uuid, ct);
        await copy.WriteAsync(draft.Type, NpgsqlDbType.Text, ct);
        await copy.WriteAsync(draft.Source, NpgsqlDbType.Text, ct);
        await WriteTextAsync(draft.Title);
        await copy.WriteAsync(draft.Content, NpgsqlDbType.Text, ct);
        await copy.WriteAsync(draft.ContentHash, NpgsqlDbType.Bytea, ct);
        await WriteTextAsync(draft.DedupeKey);
        await copy.WriteAsync(draft.Tags.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Text, ct);
        await WriteTextAsync(draft.AgentId);
        await WriteTextAsync(draft.WorkflowId);
        await WriteTextAsync(draft.RepoId);
        await WriteTextAsync(draft.ProjectId);
        await WriteTextAsync(draft.SessionId);
        await copy.WriteAsync(draft.Metadata, NpgsqlDbType.Jsonb, ct);
        await copy.WriteAsync(draft.Provenance, NpgsqlDbType.Jsonb, ct);
        await copy.WriteAsync(draft.OccurredAt.ToUniversalTime(), NpgsqlDbType.TimestampTz, ct);
        if (draft.ExpiresAt is { } expires)
        {
            await copy.WriteAsync(expires.ToUniversalTime(), NpgsqlDbType.TimestampTz, ct);
        }
        else
        {
            await copy.WriteNullAsync(ct);
        }

        Task WriteTextAsync(string? text) => text is null ? copy.WriteNullAsync(ct) : copy.WriteAsync(text, NpgsqlDbType.Text, ct);
    }

    private static async Task<HashSet<Guid>> ReadIdsAsync(NpgsqlCommand command, CancellationToken ct)
    {
        var ids = new HashSet<Guid>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            ids.Add(row.GetGuid(0));
        }

        return ids;
    }

    private static async Task<int> ExecuteAsync(NpgsqlTransaction transaction, string sql, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var command = SqlText.Command(sql, transaction);
        command.Parameters.AddRange(parameters);
        return await command.ExecuteNonQueryAsync(ct);
    }
}
