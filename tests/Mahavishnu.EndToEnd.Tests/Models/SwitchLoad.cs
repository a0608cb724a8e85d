using System.Collections.Concurrent;
using System.Globalization;
using System.Numerics.Tensors;
using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.EndToEnd.Tests;

/// <param name="Number">Place among the questions, by when it was asked.</param>
internal sealed record SwitchAnswer(long Number, string Question, SearchResponse Response);

/// <summary>Two who write and two who search, without a pause, and remember everything they were told.</summary>
internal sealed class SwitchLoad : IAsyncDisposable
{
    /// <summary>Vectors are kept in half precision: a similarity is right to about this.</summary>
    public const double HalfPrecision = 0.002;

    private const int Enough = 25;

    private readonly MahavishnuSystem _system;
    private readonly CancellationTokenSource _end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private readonly ConcurrentQueue<SwitchAnswer> _answers = new();
    private readonly ConcurrentQueue<Guid> _written = new();
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly Task _clients;
    private long _asked;
    private int _writes;

    public SwitchLoad(MahavishnuSystem system)
    {
        _system = system;
        _clients = Task.WhenAll(WriteAsync(), WriteAsync(), SearchAsync(SearchModes.Vector), SearchAsync(SearchModes.Hybrid));
    }

    /// <summary>Questions asked so far, answered or not.</summary>
    public long Asked => Interlocked.Read(ref _asked);

    public IReadOnlyList<SwitchAnswer> Answers => [.. _answers];

    /// <summary>Memories accepted.</summary>
    public IReadOnlyList<Guid> Written => [.. _written];

    /// <summary>What was refused, or answered with less than everything.</summary>
    public IReadOnlyList<string> Failures => [.. _failures];

    public static string Remark(string run, int i) => string.Create(
        CultureInfo.InvariantCulture, $"The {run} rehearsal {i} moved the orchestra to hall {i % 23} because raga {i * 7919L % 1_009} needs a drone of {i % 31} strings");

    /// <summary>What the model gives for the two, computed without the program.</summary>
    public static double Similarity(StandInModel model, string question, string content)
    {
        var (document, query) = model.Name == StandInModel.NomicEmbedText.Name ? ("search_document: ", "search_query: ") : ("", "");
        return TensorPrimitives.CosineSimilarity<float>(StandInVectors.Of(model, query + question), StandInVectors.Of(model, document + content));
    }

    /// <summary>Waits until further requests of both kinds have begun and ended.</summary>
    public async Task MoreAsync(string what)
    {
        var (asked, written) = (Asked, _written.Count);
        await Eventually.Async(
            () => Task.FromResult(_clients.IsCompleted || (_answers.Count(a => a.Number > asked) >= Enough && _written.Count >= written + Enough)), $"Answers: {what}", TimeSpan.FromMinutes(1));
    }

    public async Task StopAsync()
    {
        await _end.CancelAsync();
        await _clients;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _end.Dispose();
    }

    private Task WriteAsync() => RepeatAsync(async () =>
    {
        var i = Interlocked.Increment(ref _writes);
        _written.Enqueue((await _system.Memories.AddAsync(new NewMemory { Content = Remark("late", i) }, _end.Token)).Id);
    });

    private Task SearchAsync(string mode) => RepeatAsync(async () =>
    {
        var number = Interlocked.Increment(ref _asked);
        // Every one another, so that each needs its vector.
        var question = string.Create(CultureInfo.InvariantCulture, $"which rehearsal moved to hall {number % 23} for raga {number}");
        var answer = await _system.Search.SearchAsync(new SearchRequest { Query = question, Mode = mode }, _end.Token);
        _answers.Enqueue(new SwitchAnswer(number, question, answer));
        if (answer.Hits.Count == 0 || answer.Degraded.Contains(ErrorCodes.Degraded.EmbeddingUnavailable, StringComparer.Ordinal))
        {
            _failures.Enqueue($"{answer.Hits.Count} hits of {answer.Model}, degraded by [{string.Join(", ", answer.Degraded)}]");
        }
    });

    private async Task RepeatAsync(Func<Task> request)
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                await request();
            }
            catch (OperationCanceledException) when (_end.IsCancellationRequested)
            {
                // The end of the load; the last request does not count.
            }
            catch (Exception e) when (e is ApiException or HttpRequestException or OperationCanceledException)
            {
                _failures.Enqueue(e.Message);
            }
        }
    }
}
