using System.Globalization;
using Mahavishnu.Contracts;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>A real search, by the index and exactly.</summary>
/// <param name="Effort">What the index was asked with: ef_search or probes.</param>
/// <param name="Expected">Memories of the exact answer; at least one.</param>
/// <param name="Returned">Memories that the index brought.</param>
/// <param name="Found">Those of them that are as near as the exact answer's.</param>
/// <param name="Bound">The share below which whoever measured it warns.</param>
public sealed record IndexRecallSample(int Effort, int Expected, int Returned, int Found, double Bound);

/// <summary>The latest of them, by the index that is there and as it is asked now.</summary>
public sealed record IndexRecallWindow(int Searches, double Recall, int CutShort, int Effort, double Bound, DateTimeOffset MeasuredAt)
{
    // One search that missed half of its ten says nothing.
    private const int Enough = 20;

    // Beyond this, looking longer costs more than it finds: what is out of reach stays so.
    private const int MostEfSearch = 400;
    private const int MostListsPart = 4;

    /// <summary>Whether less is found than should be.</summary>
    public bool IsLow => !IsUndecided && Recall < Bound;

    /// <summary>Whether there are too few to say.</summary>
    public bool IsUndecided => Searches < Enough;

    /// <summary>What to raise; null where nothing is wrong.</summary>
    public string? Advice(EmbeddingSpace space)
    {
        if (!IsLow || space.BuiltIndex is not { } index)
        {
            return null;
        }

        var build = string.Create(CultureInfo.InvariantCulture, $"`mahavishnu embeddings index {space.Id}`");
        return index switch
        {
            { Kind: VectorIndexKinds.Ivfflat, Lists: { } lists, Probes: { } probes } when probes * MostListsPart <= lists =>
                string.Create(CultureInfo.InvariantCulture, $"Have searches read more than {probes:N0} of the {lists:N0} lists: `mahavishnu embeddings index {space.Id} --probes {probes * 2}`."),
            { Kind: not VectorIndexKinds.Ivfflat } when Effort < MostEfSearch =>
                string.Create(CultureInfo.InvariantCulture, $"Raise Search:EfSearch (now {Effort}); where that does not help, build the index anew: {build}."),
            _ => $"Build the index anew: {build}.",
        };
    }
}

/// <summary>What real searches find by the indexes, measured now and then, by however many processes.</summary>
public sealed class IndexRecallStore(NpgsqlDataSource db)
{
    /// <summary>Searches that count.</summary>
    public const int Latest = 100;

    /// <summary>Keeps one more, and of all of them the latest.</summary>
    public async Task AddAsync(EmbeddingSpace space, IndexRecallSample sample, CancellationToken ct)
    {
        await using var batch = db.CreateBatch();
        var insert = new NpgsqlBatchCommand("""
            INSERT INTO recall_samples (space_id, built_at, effort, expected, returned, found, bound)
            SELECT id, index_built_at, $3, $4, $5, $6, $7 FROM embedding_spaces WHERE id = $1 AND index_built_at = $2
            """);
        insert.Parameters.Add(new NpgsqlParameter<short> { TypedValue = space.Id });
        insert.Parameters.Add(BuiltAt(space));
        foreach (var number in (int[])[sample.Effort, sample.Expected, sample.Returned, sample.Found])
        {
            insert.Parameters.Add(new NpgsqlParameter<int> { TypedValue = number });
        }

        insert.Parameters.Add(new NpgsqlParameter<double> { TypedValue = sample.Bound });
        batch.BatchCommands.Add(insert);
        var prune = new NpgsqlBatchCommand("DELETE FROM recall_samples WHERE space_id = $1 AND id <= (SELECT id FROM recall_samples WHERE space_id = $1 ORDER BY id DESC OFFSET $2 LIMIT 1)");
        prune.Parameters.Add(new NpgsqlParameter<short> { TypedValue = space.Id });
        prune.Parameters.Add(new NpgsqlParameter<int> { TypedValue = Latest });
        batch.BatchCommands.Add(prune);
        await batch.ExecuteNonQueryAsync(ct);
    }

    /// <returns>Null: nothing has been measured with the index that is there.</returns>
    public async Task<IndexRecallWindow?> ReadAsync(EmbeddingSpace space, CancellationToken ct)
    {
        if (space is not { IndexState: "ready", BuiltIndex.BuiltAt: not null })
        {
            return null;
        }

        // Asked otherwise (more neighbours in view, more lists read) it finds something else: what was measured before that is of no use.
        await using var command = db.CreateCommand("""
            WITH latest AS (
                SELECT *, first_value(effort) OVER (ORDER BY id DESC) AS now FROM recall_samples WHERE space_id = $1 AND built_at = $2)
            SELECT count(*)::int, sum(found)::float8 / sum(expected), count(*) FILTER (WHERE returned < expected)::int, max(effort), min(bound), max(measured_at)
            FROM latest WHERE effort = now HAVING count(*) > 0
            """);
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = space.Id });
        command.Parameters.Add(BuiltAt(space));
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct)
            ? new IndexRecallWindow(row.GetInt32(0), row.GetDouble(1), row.GetInt32(2), row.GetInt32(3), row.GetDouble(4), row.GetFieldValue<DateTimeOffset>(5))
            : null;
    }

    private static NpgsqlParameter BuiltAt(EmbeddingSpace space) => SqlParameters.Time(space.BuiltIndex?.BuiltAt);
}
