using System.Diagnostics;
using Mahavishnu.Contracts;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>How the queue does, for each space; cheap enough to be asked for many times a second whatever its length.</summary>
public sealed partial class EmbeddingQueueStore
{
    // Entries looked at one by one, the oldest first: those in work are among them, and why the others still wait.
    private const int LookedAt = 5_000;

    // Beyond this length counting is felt, and no number changes much in a second: an answer is kept for a while.
    private const long LongQueue = 50_000;
    private const int TimesItTook = 20;

    private static readonly TimeSpan KeptAtMost = TimeSpan.FromSeconds(5);

    private static readonly EmbeddingQueueStatus Empty = new(0, 0, 0, null);

    private volatile Counted? _counted;

    /// <summary>The active space's queue; of all spaces together while none is active, and every memory while there is none at all.</summary>
    public async Task<EmbeddingQueueStatus> StatusAsync(CancellationToken ct)
    {
        var counted = await CountAsync(ct);
        return counted.Active is { } active ? counted.Of(active) : counted.Spaces.Values.Aggregate(counted.WithoutSpace, Together);
    }

    /// <summary>One space's queue.</summary>
    public async Task<EmbeddingQueueStatus> StatusAsync(EmbeddingSpace space, CancellationToken ct) => (await CountAsync(ct)).Of(space.Id);

    private async Task<Counted> CountAsync(CancellationToken ct)
    {
        if (_counted is { } kept && Stopwatch.GetElapsedTime(kept.At) < kept.Keep)
        {
            return kept;
        }

        var began = Stopwatch.GetTimestamp();
        var (active, withoutSpace, spaces) = await ReadStatusAsync(ct);
        var length = withoutSpace.Pending + spaces.Values.Sum(s => s.Pending + s.Running + s.Failed);
        var took = Stopwatch.GetElapsedTime(began) * TimesItTook;
        return _counted = new Counted(active, withoutSpace, spaces, Stopwatch.GetTimestamp(), length < LongQueue ? TimeSpan.Zero : took < KeptAtMost ? took : KeptAtMost);
    }

    private async Task<(short? Active, EmbeddingQueueStatus WithoutSpace, Dictionary<short, EmbeddingQueueStatus> Spaces)> ReadStatusAsync(CancellationToken ct)
    {
        short? active = null;
        var spaces = new Dictionary<short, EmbeddingQueueStatus>();
        var reasons = new Dictionary<(short Space, string Reason), EmbeddingQueueReason>();
        await using var batch = db.CreateBatch();
        // The length: from an index alone, whatever the entries hold.
        batch.BatchCommands.Add(new("SELECT space_id, count(*), min(enqueued_at) FROM embedding_queue WHERE failed_at IS NULL GROUP BY space_id"));
        batch.BatchCommands.Add(new("""
            SELECT s.id, q.reason, count(*) FILTER (WHERE q.running), count(*) FILTER (WHERE NOT q.running), (array_agg(q.last_error))[1]
            FROM embedding_spaces s CROSS JOIN LATERAL (
                SELECT reason, last_error, claim IS NOT NULL AND claimed_until >= now() AS running
                FROM embedding_queue WHERE space_id = s.id AND failed_at IS NULL ORDER BY enqueued_at LIMIT $1) AS q
            GROUP BY s.id, q.reason
            """)
        { Parameters = { new NpgsqlParameter<int> { TypedValue = LookedAt } } });
        batch.BatchCommands.Add(new("""
            SELECT f.space_id, f.reason, f.n, (
                SELECT last_error FROM embedding_queue q
                WHERE q.tenant_id = $1 AND q.failed_at IS NOT NULL AND q.space_id = f.space_id AND q.reason IS NOT DISTINCT FROM f.reason ORDER BY q.failed_at DESC LIMIT 1)
            FROM (SELECT space_id, reason, count(*) AS n FROM embedding_queue WHERE tenant_id = $1 AND failed_at IS NOT NULL GROUP BY space_id, reason) AS f
            """)
        { Parameters = { new NpgsqlParameter<string> { TypedValue = tenant.Current } } });
        batch.BatchCommands.Add(new("SELECT id FROM embedding_spaces WHERE state = 'active'"));
        // A model that has never been there has no space, and so no queue: what waits for it is everything. Not looked at once there is a space.
        batch.BatchCommands.Add(new("SELECT count(*), min(created_at) FROM memories WHERE tenant_id = $1 AND deleted_at IS NULL AND NOT EXISTS (SELECT FROM embedding_spaces)")
        { Parameters = { new NpgsqlParameter<string> { TypedValue = tenant.Current } } });

        await using var row = await batch.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            spaces[row.GetInt16(0)] = Empty with { Pending = row.GetInt64(1), OldestPending = row.GetFieldValue<DateTimeOffset>(2) };
        }

        await row.NextResultAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var (id, running, waiting) = (row.GetInt16(0), row.GetInt64(2), row.GetInt64(3));
            var status = spaces.GetValueOrDefault(id, Empty);
            spaces[id] = status with { Pending = Math.Max(0, status.Pending - running), Running = status.Running + running };
            if (waiting > 0 && !row.IsDBNull(1))
            {
                reasons[(id, row.GetString(1))] = new EmbeddingQueueReason(row.GetString(1), waiting, 0, row.IsDBNull(4) ? null : row.GetString(4));
            }
        }

        await row.NextResultAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var (id, failed) = (row.GetInt16(0), row.GetInt64(2));
            var status = spaces.GetValueOrDefault(id, Empty);
            spaces[id] = status with { Failed = status.Failed + failed };
            if (!row.IsDBNull(1))
            {
                var key = (id, row.GetString(1));
                var example = row.IsDBNull(3) ? null : row.GetString(3);
                reasons[key] = reasons.TryGetValue(key, out var known) ? known with { Failed = failed, Example = known.Example ?? example } : new EmbeddingQueueReason(key.Item2, 0, failed, example);
            }
        }

        await row.NextResultAsync(ct);
        if (await row.ReadAsync(ct))
        {
            active = row.GetInt16(0);
        }

        await row.NextResultAsync(ct);
        await row.ReadAsync(ct);
        var withoutSpace = Empty with { Pending = row.GetInt64(0), OldestPending = row.IsDBNull(1) ? null : row.GetFieldValue<DateTimeOffset>(1) };

        foreach (var group in reasons.GroupBy(r => r.Key.Space, r => r.Value))
        {
            var status = spaces[group.Key];
            // Said of those that were tried; without its model no other gets further either.
            spaces[group.Key] = status with { Reasons = Sorted(group.Select(r => r.Waiting > 0 && IsModelWide(r.Reason) ? r with { Waiting = status.Pending } : r)) };
        }

        return (active, withoutSpace, spaces);
    }

    private static bool IsModelWide(string reason) => reason is EmbeddingReasons.ModelAway or EmbeddingReasons.ModelMissing or EmbeddingReasons.ModelChanged;

    private static EmbeddingQueueReason[] Sorted(IEnumerable<EmbeddingQueueReason> reasons) =>
        [.. reasons.OrderByDescending(r => r.Failed + r.Waiting).ThenBy(r => r.Reason, StringComparer.Ordinal)];

    private static EmbeddingQueueStatus Together(EmbeddingQueueStatus one, EmbeddingQueueStatus other) =>
        new(one.Pending + other.Pending, one.Running + other.Running, one.Failed + other.Failed, Earlier(one.OldestPending, other.OldestPending))
        {
            Reasons = one.Reasons.Count == 0 ? other.Reasons : Sorted(one.Reasons.Concat(other.Reasons).GroupBy(r => r.Reason, StringComparer.Ordinal)
                .Select(g => g.First() with { Waiting = g.Sum(r => r.Waiting), Failed = g.Sum(r => r.Failed) })),
        };

    private static DateTimeOffset? Earlier(DateTimeOffset? one, DateTimeOffset? other) => one is null || other < one ? other ?? one : one;

    private sealed record Counted(short? Active, EmbeddingQueueStatus WithoutSpace, Dictionary<short, EmbeddingQueueStatus> Spaces, long At, TimeSpan Keep)
    {
        public EmbeddingQueueStatus Of(short space) => Spaces.GetValueOrDefault(space, Empty);
    }
}
