using Mahavishnu.Storage;
using Npgsql;
using Pgvector;

namespace Mahavishnu.Benchmarks;

/// <summary>The plan's table and its one-row insert, for comparison.</summary>
internal sealed class PlanStore(string connectionString) : IAsyncDisposable
{
    private readonly NpgsqlDataSource _db = StorageModule.OpenDataSource(connectionString);

    public async Task PrepareAsync(CancellationToken ct)
    {
        await using var command = _db.CreateCommand("""
            CREATE TABLE plan_memories (
                id serial PRIMARY KEY, content text NOT NULL, embedding vector(768) NOT NULL, memory_type text NOT NULL, source_system text NOT NULL,
                metadata jsonb, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
            CREATE INDEX ON plan_memories (memory_type, created_at DESC);
            CREATE INDEX ON plan_memories USING gin (to_tsvector('english', content))
            """);
        await command.ExecuteNonQueryAsync(ct);
    }

    public async Task InsertAsync(string content, ReadOnlyMemory<float> vector, CancellationToken ct)
    {
        await using var command = _db.CreateCommand("INSERT INTO plan_memories (content, embedding, memory_type, source_system) VALUES ($1, $2, 'agent', 'bench')");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = content });
        command.Parameters.Add(new NpgsqlParameter { Value = new Vector(vector) });
        await command.ExecuteNonQueryAsync(ct);
    }

    public ValueTask DisposeAsync() => _db.DisposeAsync();
}
