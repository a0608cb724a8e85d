using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Search;

/// <summary>Keeps a share of the questions that were really asked, beside the searches.</summary>
internal sealed partial class QuestionSampler : BackgroundService
{
    private readonly SearchOptions _options;
    private readonly TimeProvider _time;
    private readonly BesideWriter<SampledQuery> _writer;

    public QuestionSampler(SampledQueryStore store, IOptions<SearchOptions> options, TimeProvider time, ILogger<QuestionSampler> logger)
    {
        (_options, _time) = (options.Value, time);
        _writer = new BesideWriter<SampledQuery>(
            (batch, ct) => store.AddAsync(batch, _options.SampledQueries, ct), (count, reason) => NotKept(logger, count, reason), time);
    }

    /// <summary>A question that has been answered; most are let go.</summary>
    public void Offer(Question question)
    {
        if (_options.SampledQueries > 0 && Comparable(question) && Random.Shared.NextDouble() < _options.SampleShare)
        {
            var scope = new QueryScope { Types = question.Types, Sources = question.Sources, ProjectId = question.ProjectId, RepoId = question.RepoId };
            _writer.Offer(new SampledQuery(question.Text!, scope, _time.GetUtcNow()));
        }
    }

    /// <summary>Whether asking it again by its vector alone means the same: a question in words, within nothing but what is kept of its scope.</summary>
    internal static bool Comparable(Question q) =>
        q is { Asked.IsPlain: true, Mode: not SearchMode.Text, AgentId: null, WorkflowId: null, SessionId: null, After: null, Before: null, Filter: null, HalfLife: null, AsOf: null, IncludeSuperseded: false, Tags.Count: 0 };

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => _writer.RunAsync(_options.SampledQueries > 0, stoppingToken);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} questions were not kept: {Reason}")]
    private static partial void NotKept(ILogger logger, int count, string reason);
}
