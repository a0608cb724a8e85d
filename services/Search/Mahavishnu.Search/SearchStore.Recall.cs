using System.Data;
using Npgsql;

namespace Mahavishnu.Search;

/// <summary>The same question twice, of the same rows: by the index, and of every vector in scope.</summary>
internal sealed partial class SearchStore
{
    // Nobody waits for it, so it may take no more than one core, and not for ever.
    private const string Modest = "SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL statement_timeout = '60s'";

    public async Task<(SearchRows ByIndex, SearchRows Exact)> CompareAsync(SearchPlan plan, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        // What is written between the two would look as if the index had missed it.
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
        await using var modest = new NpgsqlCommand(Modest, connection, transaction);
        await modest.ExecuteNonQueryAsync(ct);
        await using var first = new NpgsqlBatch(connection, transaction);
        var byIndex = await SearchAsync(first, plan, ct);
        await using var second = new NpgsqlBatch(connection, transaction);
        return (byIndex, await SearchAsync(second, plan with { Exact = true }, ct));
    }
}
