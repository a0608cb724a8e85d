using System.Data.Common;
using System.Threading.Channels;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Search;

/// <summary>
/// Runs a share of the real searches again exactly, beside them: what of the nearest does the index find? One at a time, and then a long rest, so that it
/// takes a fiftieth of one core at most. Of a hybrid search its vector arm.
/// </summary>
internal sealed partial class RecallCanary(
    SearchStore store, IndexRecallStore recall, SearchTelemetry telemetry, IOptions<SearchOptions> options, TimeProvider time, ILogger<RecallCanary> logger) : BackgroundService
{
    // Of the few that many searches ask for one more or less says too much.
    private const int LeastLimit = 10;

    private const int RestPerWork = 49;

    // Two memories with the same text are as near as each other, by whichever arithmetic.
    private const double Rounding = 1e-5;

    private readonly Channel<SearchPlan> _next = Channel.CreateBounded<SearchPlan>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly SearchOptions _options = options.Value;

    // The space whose recall was low when it was last looked at.
    private short? _low;

    /// <summary>A search that has been answered; most are let go.</summary>
    public void Offer(SearchPlan plan)
    {
        if (plan is { Question.Rehearsal: false, Vector: not null, Exact: false, Narrow: false, Space: { IndexState: "ready", BuiltIndex: not null } } && Random.Shared.NextDouble() < _options.RecallShare)
        {
            _next.Writer.TryWrite(plan);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var plan in _next.Reader.ReadAllAsync(stoppingToken))
            {
                var began = time.GetTimestamp();
                await TryAsync(plan, stoppingToken);
                await Task.Delay(time.GetElapsedTime(began) * RestPerWork, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Nobody waits for it.
        }
    }

    private async Task TryAsync(SearchPlan plan, CancellationToken ct)
    {
        try
        {
            await MeasureAsync(plan, plan.Space!, ct);
        }
        catch (DbException e)
        {
            // The database is away or too busy, or the space was dropped.
            NotMeasured(logger, e.Message);
        }
    }

    private async Task MeasureAsync(SearchPlan plan, EmbeddingSpace space, CancellationToken ct)
    {
        var question = plan.Question with { Mode = SearchMode.Vector, Limit = Math.Max(plan.Question.Limit, LeastLimit), Threshold = null, GroupBy = Grouping.None, Explain = false };
        var (byIndex, exact) = await store.CompareAsync(plan with { Question = question, Words = false }, ct);
        if (exact.Hits.Count == 0)
        {
            return;
        }

        var index = space.BuiltIndex!;
        var farthest = exact.Hits[^1].Similarity!.Value;
        var asNear = byIndex.Hits.Count(h => h.Similarity >= farthest - Rounding * Math.Max(1, Math.Abs(farthest)));
        var effort = index.Kind == VectorIndexKinds.Ivfflat ? index.Probes ?? 1 : plan.Tuning.EfSearch;
        var sample = new IndexRecallSample(effort, exact.Hits.Count, byIndex.Hits.Count, Math.Min(asNear, exact.Hits.Count), _options.RecallBound);
        telemetry.Recall(index.Kind, (double)sample.Found / sample.Expected, sample.Returned < sample.Expected);
        await recall.AddAsync(space, sample, ct);
        if (await recall.ReadAsync(space, ct) is { } window)
        {
            Say(window, space, index);
        }
    }

    /// <summary>Once for each change.</summary>
    private void Say(IndexRecallWindow window, EmbeddingSpace space, BuiltIndex index)
    {
        if (window.Advice(space) is { } advice)
        {
            if (_low != space.Id)
            {
                Low(logger, index.Kind, space.Id, space.Model, window.Recall, window.Searches, window.Bound, advice);
            }

            _low = space.Id;
        }
        else if (_low == space.Id && !window.IsUndecided)
        {
            Well(logger, index.Kind, space.Id, space.Model, window.Recall, window.Searches);
            _low = null;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The index ({Kind}) of embedding space {Space} ({Model}) finds {Recall:0.000} of what is nearest, over the last {Searches} searches that were run again exactly; it should be {Bound} or more. {Advice}")]
    private static partial void Low(ILogger logger, string kind, short space, string model, double recall, int searches, double bound, string advice);

    [LoggerMessage(Level = LogLevel.Information, Message = "The index ({Kind}) of embedding space {Space} ({Model}) finds {Recall:0.000} of what is nearest again, over the last {Searches} searches that were run again exactly")]
    private static partial void Well(ILogger logger, string kind, short space, string model, double recall, int searches);

    [LoggerMessage(Level = LogLevel.Debug, Message = "A search was not run again exactly: {Reason}")]
    private static partial void NotMeasured(ILogger logger, string reason);
}
