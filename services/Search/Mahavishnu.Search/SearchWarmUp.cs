using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.Search;

/// <summary>What happens before <c>/health/ready</c> says yes: connections, statements planned and prepared, the indexes in memory, a search that worked.</summary>
internal sealed partial class SearchWarmUp(WarmStore store, Searcher searcher, LexemeStatistics lexemes, ActiveSpace active, ILogger<SearchWarmUp> logger)
{
    // A statement is prepared when it comes the second time; the rest is for the indexes of a store that has some.
    private const int LeastSearches = 2;
    private const int MostSearches = 16;
    private const int Small = 5_000;

    // Whatever is not warm by then will be by use.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    public async Task RunAsync(CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        var space = await active.GetAsync(ct);
        var read = await store.ReadAsync(space, ct);
        var frequencies = await lexemes.GetAsync(ct);
        var (words, rounds) = (frequencies.Words, frequencies.Rows < Small ? LeastSearches : MostSearches);
        var alike = space is null ? [] : await store.SampleAsync(space, rounds, ct);
        var searches = 0;
        for (var i = 0; i < rounds && (i < LeastSearches || Stopwatch.GetElapsedTime(started) < Longest); i++, searches++)
        {
            var text = words.Count == 0 ? "warm up" : $"{words[i % words.Count]} {words[(i * 7 + 3) % words.Count]}";
            await searcher.SearchAsync(new Question { Text = text, Limit = 10 }, unified: false, ct);
            if (i < alike.Count)
            {
                await searcher.SearchAsync(new Question { Like = alike[i], Limit = 10, Mode = SearchMode.Vector }, unified: false, ct);
                searches++;
            }
        }

        var took = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        Warm(logger, read ?? 0, searches, took);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Ready to search: {Relations} tables and indexes read, {Searches} searches in {Milliseconds:0} ms")]
    private static partial void Warm(ILogger logger, int relations, int searches, double milliseconds);
}
