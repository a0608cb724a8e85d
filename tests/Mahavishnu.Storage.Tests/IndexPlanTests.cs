namespace Mahavishnu.Storage.Tests;

/// <summary>Which index the planner takes for the questions that are asked.</summary>
public sealed class IndexPlanTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>The plan's indexes by purpose: each question is answered by its own.</summary>
    private static readonly (string Index, string Sql)[] Purposes =
    [
        ("memories_type_date", "SELECT id FROM memories WHERE tenant_id = 'default' AND memory_type = 'agent' ORDER BY created_at DESC LIMIT 10"),
        ("memories_source_type", "SELECT id FROM memories WHERE tenant_id = 'default' AND source_system = 's7' AND memory_type = 'agent'"),
        ("memories_recent", "SELECT id FROM memories WHERE tenant_id = 'default' ORDER BY created_at DESC, id DESC LIMIT 10"),
        ("memories_hash", "SELECT id FROM memories WHERE tenant_id = 'default' AND content_hash = sha256('x')"),
        ("memories_agent", "SELECT id FROM memories WHERE tenant_id = 'default' AND agent_id = 'a7' ORDER BY occurred_at DESC LIMIT 10"),
        ("memories_workflow", "SELECT id FROM memories WHERE tenant_id = 'default' AND workflow_id = 'w7' ORDER BY occurred_at DESC LIMIT 10"),
        ("memories_repo", "SELECT id FROM memories WHERE tenant_id = 'default' AND repo_id = 'r7'"),
        ("memories_project", "SELECT id FROM memories WHERE tenant_id = 'default' AND project_id = 'p7' ORDER BY occurred_at DESC LIMIT 10"),
        ("memories_session", "SELECT id FROM memories WHERE tenant_id = 'default' AND session_id = 'c7' ORDER BY occurred_at"),
        ("memories_expiry", "SELECT id FROM memories WHERE tenant_id = 'default' AND expires_at < now()"),
        ("memories_tags", "SELECT id FROM memories WHERE tags <> '{}' AND tags @> '{t7}'"),
        ("memories_words", "SELECT id FROM memories WHERE words @@ 'word7'"),
        ("memories_tenant_id_dedupe_key_key", "SELECT id FROM memories WHERE tenant_id = 'default' AND dedupe_key = 'k7'"),
        ("memories_pkey", "SELECT content FROM memories WHERE tenant_id = 'default' AND id = '00000000-0000-0000-0000-000000000000'"),
        ("embedding_queue_due", "SELECT memory_id FROM embedding_queue WHERE space_id = 1 AND failed_at IS NULL AND claimed_until < now() ORDER BY enqueued_at LIMIT 10 FOR UPDATE SKIP LOCKED"),
        ("insight_readings_due", "SELECT message_id FROM insight_readings WHERE tenant_id = 'default' AND due_at <= now() ORDER BY swept, due_at, place LIMIT 1 FOR UPDATE SKIP LOCKED"),
        ("operations_recent", "SELECT id FROM operations WHERE tenant_id = 'default' ORDER BY created_at DESC, id DESC LIMIT 10"),
    ];

    [Fact]
    public async Task Each_question_is_answered_by_its_index()
    {
        var (stores, _) = await Stores.CreateWithSpaceAsync(postgres);
        await using var __ = stores;
        await stores.Database.ExecuteAsync("""
            INSERT INTO memories (id, memory_type, source_system, content, content_hash, dedupe_key, tags, agent_id, workflow_id, repo_id, project_id, session_id, occurred_at, created_at, expires_at)
            SELECT gen_random_uuid(), (ARRAY['agent', 'rag', 'workflow', 'insight'])[1 + n % 4], 's' || n % 50, 'word' || n % 300, sha256(n::text::bytea), 'k' || n,
                   ARRAY['t' || n % 100], 'a' || n % 100, 'w' || n % 100, 'r' || n % 100, 'p' || n % 100, 'c' || n % 100, now() - n * interval '1 minute', now() - n * interval '1 minute',
                   now() + n * interval '1 minute'
            FROM generate_series(1, 3000) AS n
            """);
        await stores.Database.ExecuteAsync("INSERT INTO embedding_queue (tenant_id, memory_id, space_id, enqueued_at) SELECT tenant_id, id, 1, created_at FROM memories");
        await stores.Database.ExecuteAsync("INSERT INTO operations (id, kind, subject, created_at) SELECT id, 'repository', id::text, created_at FROM memories");
        await stores.Database.ExecuteAsync("INSERT INTO insight_readings (tenant_id, message_id, swept, due_at) SELECT tenant_id, id, false, created_at FROM memories");
        await stores.Database.ExecuteAsync("ANALYZE");

        foreach (var (index, sql) in Purposes)
        {
            Assert.Contains(index, await ExplainAsync(stores, sql), StringComparison.Ordinal);
        }
    }

    /// <param name="without">A way of the planner to be left out, where a table of a test is too small to need an index.</param>
    internal static async Task<string> ExplainAsync(Stores stores, string sql, string? without = null)
    {
        await using var connection = await stores.Database.DataSource.OpenConnectionAsync(Ct);
        if (without is not null)
        {
            await using var off = SqlText.Command($"SET {without} = off", connection);
            await off.ExecuteNonQueryAsync(Ct);
        }

        await using var explain = SqlText.Command("EXPLAIN " + sql, connection);
        await using var row = await explain.ExecuteReaderAsync(Ct);
        var plan = "";
        while (await row.ReadAsync(Ct))
        {
            plan += row.GetString(0) + "\n";
        }

        return plan;
    }
}
