using System.Threading.Channels;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Search;

/// <summary>Keeps a share of the questions that were really asked, beside the searches: none waits for it, and none fails by it.</summary>
internal sealed partial class QuestionSampler(SampledQueryStore store, IOptions<SearchOptions> options, TimeProvider time, ILogger<QuestionSampler> logger) : BackgroundService
{
    // What does not fit is not kept: it is a sample.
    private const int MostWaiting = 256;

    private static readonly TimeSpan BetweenWrites = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(30);

    private readonly Channel<SampledQuery> _waiting = Channel.CreateBounded<SampledQuery>(
        new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly SearchOptions _options = options.Value;

    /// <summary>A question that has been answered; most are let go.</summary>
    public void Offer(Question question)
    {
        if (_options.SampledQueries > 0 && Comparable(question) && Random.Shared.NextDouble() < _options.SampleShare)
        {
            var scope = new QueryScope { Types = question.Types, Sources = question.Sources, ProjectId = question.ProjectId, RepoId = question.RepoId };
            _waiting.Writer.TryWrite(new SampledQuery(question.Text!, scope, time.GetUtcNow()));
        }
    }

    /// <summary>Whether asking it again by its vector alone means the same: a question in words, within nothing but what is kept of its scope.</summary>
    internal static bool Comparable(Question q) =>
        q is { Asked.IsPlain: true, Mode: not SearchMode.Text, AgentId: null, WorkflowId: null, SessionId: null, After: null, Before: null, Filter: null, HalfLife: null, AsOf: null, IncludeSuperseded: false, Tags.Count: 0 };

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Switched off: what was kept before goes.
        for (var gone = _options.SampledQueries > 0; !gone && !stoppingToken.IsCancellationRequested; gone = await WriteAsync([], stoppingToken))
        {
        }

        var batch = new List<SampledQuery>();
        while (await NextAsync(batch, stoppingToken))
        {
            await WriteAsync(batch, stoppingToken);
            batch.Clear();
            await Task.Delay(BetweenWrites, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> NextAsync(List<SampledQuery> batch, CancellationToken ct)
    {
        try
        {
            if (!await _waiting.Reader.WaitToReadAsync(ct))
            {
                return false;
            }
        }
        catch (OperationCanceledException)
        {
            return false;
        }

        while (_waiting.Reader.TryRead(out var query))
        {
            batch.Add(query);
        }

        return true;
    }

    private async Task<bool> WriteAsync(IReadOnlyCollection<SampledQuery> batch, CancellationToken ct)
    {
        try
        {
            await store.AddAsync(batch, _options.SampledQueries, ct);
            return true;
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            // A database that is away or older: these are not kept, and it is left alone for a while.
            NotKept(logger, batch.Count, e.Message);
            await Task.Delay(AfterFailure, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return false;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} questions were not kept: {Reason}")]
    private static partial void NotKept(ILogger logger, int count, string reason);
}
