using System.Diagnostics;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.Search;

/// <summary>
/// What happens before <c>/health/ready</c> says yes: connections, statements planned and prepared, the indexes in memory, a search that worked, and one that came in at
/// the door as all others will.
/// </summary>
internal sealed partial class SearchWarmUp(WarmStore store, Searcher searcher, LexemeStatistics lexemes, ActiveSpace active, OwnDoor door, ILogger<SearchWarmUp> logger)
{
    // A statement is prepared when it comes the second time; the rest is for the indexes of a store that has some.
    private const int LeastSearches = 2;
    private const int MostSearches = 16;
    private const int Small = 5_000;

    // The first compiles what lies between a caller and the search; the others find out that it has been.
    private const int AtTheDoor = 3;

    // Whatever is not warm by then will be by use.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    // The first question of somebody else is promised an answer in 100 ms, and may have more words than those asked here.
    private static readonly TimeSpan Quick = TimeSpan.FromMilliseconds(50);

    // On a machine that is never so quick, nobody waits for it.
    private static readonly TimeSpan UntilQuick = TimeSpan.FromSeconds(5);

    public async Task RunAsync(CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        var space = await active.GetAsync(ct);
        var read = await store.ReadAsync(space, Longest, ct);
        var frequencies = await lexemes.GetAsync(ct);
        var (words, rounds) = (frequencies.Words, frequencies.Rows < Small ? LeastSearches : MostSearches);
        var alike = space is null ? [] : await store.SampleAsync(space, rounds, ct);
        var searches = 0;
        for (var i = 0; i < rounds && (i < LeastSearches || Stopwatch.GetElapsedTime(started) < Longest); i++, searches++)
        {
            await searcher.SearchAsync(new Question { Text = Text(words, i), Limit = 10, Rehearsal = true }, unified: false, ct);
            if (i < alike.Count)
            {
                await searcher.SearchAsync(new Question { Like = alike[i], Limit = 10, Mode = SearchMode.Vector, Rehearsal = true }, unified: false, ct);
                searches++;
            }
        }

        searches += await AskAtTheDoorAsync(words, untilQuick: frequencies.Rows >= Small, ct);
        var took = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        Warm(logger, read ?? 0, searches, took);
    }

    private static string Text(IReadOnlyList<string> words, int i) => words.Count == 0 ? "warm up" : $"{words[i % words.Count]} {words[(i * 7 + 3) % words.Count]}";

    /// <param name="untilQuick">Asks on until questions are answered quickly: while a whole deployment starts, compilers and the disk are busy for seconds after the first question was answered.</param>
    private async Task<int> AskAtTheDoorAsync(IReadOnlyList<string> words, bool untilQuick, CancellationToken ct)
    {
        var (asked, quick) = (0, 0);
        try
        {
            using var http = await door.OpenAsync(ct);
            var client = http is null ? null : new SearchClient(http);
            var opened = Stopwatch.GetTimestamp();
            while (client is not null && (asked < 2 * AtTheDoor || (untilQuick && quick < 2 * AtTheDoor && Stopwatch.GetElapsedTime(opened) < UntilQuick)))
            {
                var request = new SearchRequest { Query = Text(words, asked), Limit = 10 };
                await AskAsync(() => client.SearchAsync(request, ct));
                await AskAsync(() => client.UnifiedAsync(request, ct));
            }
        }
        catch (Exception e) when (e is ApiException or HttpRequestException or OperationCanceledException && !ct.IsCancellationRequested)
        {
            // Searches work. That this process may not call itself is no reason to turn others away.
            NotAtTheDoor(logger, e.Message);
        }

        return asked;

        async Task AskAsync(Func<Task> search)
        {
            var began = Stopwatch.GetTimestamp();
            await search();
            asked++;
            quick = Stopwatch.GetElapsedTime(began) <= Quick ? quick + 1 : 0;
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "No warm-up through the own door: {Reason}")]
    private static partial void NotAtTheDoor(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Ready to search: {Relations} tables and indexes read, {Searches} searches in {Milliseconds:0} ms")]
    private static partial void Warm(ILogger logger, int relations, int searches, double milliseconds);
}
