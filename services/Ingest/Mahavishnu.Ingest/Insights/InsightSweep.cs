using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>What an <c>extraction</c> operation is started with.</summary>
internal sealed record SweepInput(string? SessionId, string? ProjectId, DateTimeOffset? After, DateTimeOffset? Before, bool IncludeImported, bool DryRun, bool UseModel = false)
{
    public SweepScope Scope => new(SessionId, ProjectId, After, Before, IncludeImported);
}

/// <summary>The <c>extraction</c> operation: looks once more through messages that are stored. Begun again, it meets what it stored before, and stores nothing twice.</summary>
internal sealed class InsightSweep(
    InsightReadStore read, InsightStore store, InsightReadingStore readings, InsightExtractor extractor, InsightModel model, IOptions<InsightOptions> options) : IOperationHandler
{
    private const int AtOnce = 500;
    private const string Unit = "messages";

    public string Kind => OperationKinds.Extraction;

    public async Task<object?> RunAsync(OperationRun run, CancellationToken ct)
    {
        var input = run.Input<SweepInput>();
        var total = await read.CountAsync(input.Scope, ct);
        // Taken up by a process without a model, the sweep does what it can.
        var reader = input.UseModel ? model.Name : null;
        var result = new ExtractionResult(0, 0, 0, 0, 0, 0, 0, input.DryRun) { ForModel = reader is null ? null : 0 };
        // What a dry run would have stored: the next messages would have met it.
        var foreseen = new HashSet<string>(StringComparer.Ordinal);
        var room = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var last = Guid.Empty; ;)
        {
            ct.ThrowIfCancellationRequested();
            run.Report(result.Messages, Math.Max(total, result.Messages), Unit);
            var messages = await read.NextAsync(input.Scope, last, AtOnce, ct);
            if (messages.Count == 0)
            {
                return result;
            }

            last = messages[^1].Id;
            var extracted = messages.Select(m => (Message: m, Found: extractor.Extract(m.Content))).ToList();
            result = result with
            {
                Messages = result.Messages + messages.Count,
                Blocks = result.Blocks + extracted.Sum(e => e.Found.Blocks),
                RefusedByLength = result.RefusedByLength + extracted.Sum(e => e.Found.RefusedByLength),
                RefusedByScore = result.RefusedByScore + extracted.Sum(e => e.Found.RefusedByScore),
            };
            foreach (var session in extracted.SelectMany(e => e.Found.Found.Select(i => new InsightOfMessage(e.Message, i))).GroupBy(i => i.Message.SessionId, StringComparer.Ordinal))
            {
                var stored = input.DryRun ? await ForeseeAsync(session.Key, [.. session]) : await store.StoreAsync(session.Key, [.. session], options.Value.MaxPerSession, ct);
                result = result with { Created = result.Created + stored.Created, Known = result.Known + stored.Known, OverLimit = result.OverLimit + stored.OverLimit };
            }

            if (reader is not null)
            {
                // After the marked ones, which have the first claim on a session's room.
                var unread = messages.Where(m => model.Wants(m.Content)).ToList();
                var asked = input.DryRun ? await readings.ForeseeAsync(unread, reader, ct) : await readings.AskAsync(unread, reader, ct);
                result = result with { ForModel = result.ForModel + asked };
            }
        }

        async Task<StoredInsights> ForeseeAsync(string? session, List<InsightOfMessage> found)
        {
            var met = found.Where(i => foreseen.Contains(Convert.ToHexString(i.Key))).ToList();
            var fresh = found.Except(met).ToList();
            var left = session is null ? int.MaxValue : room.GetValueOrDefault(session, options.Value.MaxPerSession);
            var (seen, would) = (fresh.ConvertAll(i => Convert.ToHexString(i.Key)), await store.ForeseeAsync(session, fresh, left, ct));
            if (session is not null)
            {
                room[session] = left - would.Created;
            }

            // Those over the limit would have left no trace.
            if (would.OverLimit == 0)
            {
                foreseen.UnionWith(seen);
            }

            return would with { Known = would.Known + met.Count };
        }
    }
}
