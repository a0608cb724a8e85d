using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Search;

/// <summary>Counts what is asked and how well it is answered, beside the searches: what a project asks in vain is seen by it.</summary>
internal sealed partial class QuestionLog : BackgroundService
{
    // A pasted log is no question that anybody asks twice.
    private const int LongestKept = 500;

    private readonly SearchOptions _options;
    private readonly TimeProvider _time;
    private readonly BesideWriter<AskedQuestion> _writer;

    public QuestionLog(AskedQuestionStore store, IOptions<SearchOptions> options, TimeProvider time, ILogger<QuestionLog> logger)
    {
        (_options, _time) = (options.Value, time);
        _writer = new BesideWriter<AskedQuestion>(
            (batch, ct) => store.AddAsync(batch, _options.AskedQuestions, TimeSpan.FromDays(_options.AskedDays), ct), (count, reason) => NotCounted(logger, count, reason), time);
    }

    /// <summary>A question that has been answered.</summary>
    /// <param name="projectId">The project that asked.</param>
    public void Offer(Question question, string? projectId, SearchResponse answer)
    {
        if (_options.AskedQuestions > 0 && IsOpen(question) && answer.Degraded.Count == 0)
        {
            _writer.Offer(new AskedQuestion(
                question.Text!, projectId, answer.Hits.Count, answer.Hits.Max(h => h.Similarity), answer.Hits.Any(h => h.Similarity is not null) ? answer.Model : null, _time.GetUtcNow()));
        }
    }

    /// <summary>Whether a bad answer says that the knowledge is not there, and not that it was looked for in a narrow place.</summary>
    internal static bool IsOpen(Question q) => q is
    {
        Text.Length: <= LongestKept, RepoId: null, AgentId: null, WorkflowId: null, SessionId: null, After: null, Before: null, AsOf: null, Filter: null, Threshold: null,
        Tags.Count: 0, Types.Count: 0, Sources.Count: 0,
    };

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => _writer.RunAsync(_options.AskedQuestions > 0, stoppingToken);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} questions were not counted: {Reason}")]
    private static partial void NotCounted(ILogger logger, int count, string reason);
}
