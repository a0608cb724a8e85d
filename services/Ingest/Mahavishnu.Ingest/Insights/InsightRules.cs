using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest;

/// <summary>What the rules make of a text that is an insight.</summary>
/// <param name="Type">One of <see cref="InsightTypes"/>.</param>
internal sealed record InsightScore(string Type, IReadOnlyList<string> Topics, double Confidence, double Quality);

/// <summary>
/// Type, topics and scores of an insight, as Session-Buddy reckons them. Unlike there, words are compared as words: "rest" is not found in "restore". (Its lists of words
/// for the topics are not public here; these are ours.)
/// </summary>
internal static class InsightRules
{
    private const int MostTopicsCounted = 3;

    // The first that fits. A phrase may stand anywhere.
    private static readonly (string Type, string[] Words)[] Types =
    [
        (InsightTypes.Pattern, ["pattern", "approach", "strategy", "idiom", "best practice"]),
        (InsightTypes.Architecture, ["architecture", "design", "structure", "component", "layer"]),
        (InsightTypes.BestPractice, ["should", "recommend", "avoid", "prefer", "best practice"]),
        (InsightTypes.Gotcha, ["gotcha", "pitfall", "common mistake", "watch out", "be careful"]),
    ];

    private static readonly (string Topic, string[] Words)[] Topics =
    [
        ("async", ["async", "await", "asynchronous", "coroutine", "event loop"]),
        ("database", ["database", "sql", "query", "postgres", "postgresql", "duckdb", "sqlite", "transaction", "index"]),
        ("testing", ["test", "tests", "testing", "pytest", "xunit", "fixture", "mock", "coverage"]),
        ("api", ["api", "endpoint", "rest", "http", "graphql", "route"]),
        ("security", ["security", "authentication", "authorization", "encryption", "vulnerability", "injection", "secret"]),
        ("performance", ["performance", "latency", "throughput", "cache", "caching", "benchmark", "optimize", "optimization"]),
        ("python", ["python", "pip", "pydantic", "asyncio"]),
        ("architecture", ["architecture", "design", "layer", "module", "component"]),
        ("error-handling", ["error handling", "exception", "exceptions", "retry", "fallback", "try/catch"]),
        ("logging", ["logging", "logger", "log level", "structured log"]),
        ("type-safety", ["type safety", "type hint", "type hints", "typing", "generics", "nullable"]),
        ("async-patterns", ["async pattern", "async patterns", "task group", "taskgroup", "gather", "semaphore"]),
    ];

    // Of a confident tone.
    private static readonly string[] Firm = ["always", "never", "use", "avoid", "should", "recommend"];
    private static readonly SearchValues<char> Punctuation = SearchValues.Create(".,!?;:\"'()[]{}<>-/");

    public static InsightScore Score(string text)
    {
        var lower = text.ToLowerInvariant();
        var type = Array.Find(Types, t => t.Words.Any(w => Has(lower, w))).Type ?? InsightTypes.General;
        string[] topics = [.. Topics.Where(t => t.Words.Any(w => Has(lower, w))).Select(t => t.Topic)];
        var confidence = 0.3 + 0.1 * Math.Min(topics.Length, MostTopicsCounted)
            + (Firm.Any(w => Has(lower, w)) ? 0.2 : 0)
            + (text.Length is >= 50 and <= 500 ? 0.1 : 0)
            + (type is InsightTypes.Pattern or InsightTypes.Architecture or InsightTypes.BestPractice ? 0.1 : 0);
        confidence = Math.Round(Math.Min(confidence, 1), 4);
        var quality = 0.5 + (topics.Length >= 2 ? 0.2 : 0) + (Has(lower, "because") || Has(lower, "reason") ? 0.1 : 0) + 0.2 * (confidence - 0.5);
        return new InsightScore(type, topics, confidence, Math.Round(Math.Clamp(quality, 0.3, 1), 4));
    }

    /// <summary>What makes two insights of a project the same: their words, whatever the case, punctuation and spacing.</summary>
    public static byte[] Key(string? projectId, string text) => SHA256.HashData(Encoding.UTF8.GetBytes($"{projectId}\0{Fold(text)}"));

    /// <summary>A text's words in lower case, without punctuation, one space between them.</summary>
    public static string Fold(string text)
    {
        var words = new StringBuilder(text.Length);
        var gap = false;
        foreach (var sign in text.ToLowerInvariant())
        {
            if (char.IsWhiteSpace(sign))
            {
                gap = true;
            }
            else if (!Punctuation.Contains(sign))
            {
                words.Append(gap && words.Length > 0 ? " " : "").Append(sign);
                gap = false;
            }
        }

        return words.ToString();
    }

    /// <summary>Whether a word, or a phrase, stands in a text and is no part of a longer word.</summary>
    private static bool Has(string text, string word)
    {
        for (var at = text.IndexOf(word, StringComparison.Ordinal); at >= 0; at = text.IndexOf(word, at + 1, StringComparison.Ordinal))
        {
            var end = at + word.Length;
            if ((at == 0 || !char.IsLetterOrDigit(text[at - 1])) && (end == text.Length || !char.IsLetterOrDigit(text[end])))
            {
                return true;
            }
        }

        return false;
    }
}
