using System.Globalization;
using Mahavishnu.Contracts;

namespace Mahavishnu.Cli;

/// <summary>Embedding spaces, their provider and their queue, in words for people.</summary>
internal static class EmbeddingView
{
    private const int ExampleLength = 200;

    public static void WriteSpaces(Terminal terminal, IReadOnlyList<EmbeddingSpaceInfo> spaces) =>
        terminal.Table(["id", "model", "provider", "dims", "distance", "profile", "state", "vectors", "queue", "index", "size"], spaces.Select(s => new[]
        {
            s.Id.ToString(CultureInfo.InvariantCulture), s.Model, s.Provider, s.Dimensions.ToString(CultureInfo.InvariantCulture), s.Distance, s.PrefixProfile, State(s), Number(s.Vectors), Brief(s.Queue), BriefIndex(s), Size(s.Bytes),
        }));

    /// <summary>Who computes vectors; where that is not well, what is wrong and which command would change it.</summary>
    public static IEnumerable<string> Provider(EmbeddingStatus status)
    {
        if (status.Provider is not { } provider)
        {
            yield break;
        }

        var model = provider.Model is null ? "" : $", model {provider.Model}";
        var pulled = provider is { PulledBytes: { } done, PullBytes: { } all } ? $" ({Size(done)} of {Size(all)})" : "";
        yield return $"provider: {provider.Provider}{model}: {provider.State}{pulled}";
        foreach (var line in Trouble(provider))
        {
            yield return $"  {line}";
        }
    }

    /// <summary>Nothing where all is well.</summary>
    public static IEnumerable<string> Trouble(EmbeddingProviderStatus provider)
    {
        if (provider.Message is { } message)
        {
            yield return message;
        }

        if (provider.Hint is { } hint)
        {
            yield return $"`{hint}` would change it";
        }
    }

    /// <summary>The queue in one line, and a line for each reason why something in it has no vector.</summary>
    public static IEnumerable<string> Queue(string name, EmbeddingQueueStatus queue, DateTimeOffset now)
    {
        var oldest = queue.OldestPending is { } since ? $"; the oldest waits for {Age(now - since)}" : "";
        var rate = queue.RatePerSecond is { } perSecond ? string.Create(CultureInfo.InvariantCulture, $"; {perSecond:N1} memories/s") : "";
        yield return $"{name}: {Number(queue.Pending)} pending, {Number(queue.Running)} running, {Number(queue.Failed)} failed{oldest}{rate}";
        foreach (var reason in queue.Reasons)
        {
            yield return $"  {reason.Reason}: {Number(reason.Waiting)} will be tried again, {Number(reason.Failed)} given up{(reason.Example is { } example ? $", e.g. {Cut(example)}" : "")}";
        }

        if (queue.Failed > 0)
        {
            yield return "  `mahavishnu embeddings failed` lists those given up, `mahavishnu embeddings retry` tries them again";
        }
    }

    /// <summary>The queue of the active space, and those of others in which something waits or failed.</summary>
    public static IEnumerable<string> Queues(EmbeddingStatus status, DateTimeOffset now)
    {
        // While none is active, the first counts all of them.
        var active = status.Spaces.Any(s => s.State == EmbeddingSpaceStates.Active);
        var others = status.Spaces.Where(s => active && s.State != EmbeddingSpaceStates.Active && s.Queue.Pending + s.Queue.Running + s.Queue.Failed > 0);
        return [.. Queue("embedding", status.Queue, now), .. others.SelectMany(s => Queue($"space {SpaceChoice.Describe(s)}", s.Queue, now))];
    }

    /// <summary>The index of a space and what searches find by it, a line each; nothing where there is none.</summary>
    public static IEnumerable<string> Index(EmbeddingSpaceInfo space)
    {
        if (space.VectorIndex is { } index)
        {
            yield return $"  index: {Index(index.Kind, index.Lists, index.Probes)}, {Size(index.Bytes)}{(index.Rows is { } rows ? $", built of {Number(rows)} vectors" : "")}";
        }

        if (space.Recall is { } recall)
        {
            var cut = recall.CutShort == 0 ? "" : $"; {Number(recall.CutShort)} came back short";
            yield return $"  recall: {Share(recall.Recall)} of what is nearest, over {Number(recall.Searches)} searches run again exactly{cut}";
            if (recall.Advice is { } advice)
            {
                yield return $"  {advice}";
            }
        }
    }

    /// <summary><c>ivfflat, 23 of 500 lists</c></summary>
    public static string Index(string kind, int? lists, int? probes) =>
        lists is { } all ? string.Create(CultureInfo.InvariantCulture, $"{kind}, {probes:N0} of {all:N0} lists") : kind;

    /// <summary>Kind and size of the index of a space that has one, else its state.</summary>
    public static string BriefIndex(EmbeddingSpaceInfo space) => space switch
    {
        { VectorIndex: { } index } => $"{index.Kind}, {Size(index.Bytes)}",
        { WantedIndex: { } wanted, Index: "none" } when wanted != VectorIndexKinds.None => $"none yet ({wanted})",
        _ => space.Index,
    };

    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    public static string Memories(long number) => number == 1 ? "1 memory" : $"{Number(number)} memories";

    public static string Share(double? share) => share?.ToString("0.000", CultureInfo.InvariantCulture) ?? "–";

    public static string Size(long bytes) => bytes switch
    {
        < 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
        < 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.0} KiB"),
        < 1024L * 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024):0.0} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024 * 1024):0.0} GiB"),
    };

    // The clocks of two machines differ a little; nothing waits for less than no time.
    public static string Age(TimeSpan age) => age switch
    {
        { TotalMinutes: < 2 } => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, age.TotalSeconds):0} s"),
        { TotalHours: < 2 } => string.Create(CultureInfo.InvariantCulture, $"{age.TotalMinutes:0} min"),
        { TotalDays: < 2 } => string.Create(CultureInfo.InvariantCulture, $"{age.TotalHours:0} h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{age.TotalDays:0} days"),
    };

    /// <summary>A text in one line of bounded length.</summary>
    public static string Cut(string text, int length = ExampleLength)
    {
        var line = text.ReplaceLineEndings(" ");
        return line.Length > length ? line[..length] + "…" : line;
    }

    private static string State(EmbeddingSpaceInfo space) => space is { State: EmbeddingSpaceStates.Building, FilledAt: not null } ? "building, filled" : space.State;

    private static string Brief(EmbeddingQueueStatus queue) =>
        string.Join(", ", new[] { (Count: queue.Pending + queue.Running, What: "waiting"), (Count: queue.Failed, What: "failed") }.Where(q => q.Count > 0).Select(q => $"{Number(q.Count)} {q.What}"));
}
