using Mahavishnu.Contracts;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>An insight that stood in a text.</summary>
internal sealed record FoundInsight(string Content, InsightScore Score)
{
    /// <summary>Null: it stood between marks.</summary>
    public InsightReader? ReadBy { get; init; }
}

/// <summary>The language model that read an insight out of a text.</summary>
/// <param name="Quote">The words of the text that it gave for it.</param>
internal sealed record InsightReader(string Model, string Quote);

/// <summary>What there is in a text.</summary>
internal sealed record ExtractedInsights(IReadOnlyList<FoundInsight> Found, int Blocks, int RefusedByLength, int RefusedByScore);

/// <summary>From a text to its insights: the marks say where, the rules say what.</summary>
internal sealed class InsightExtractor(IOptions<InsightOptions> options, InsightModel model)
{
    public ExtractedInsights Extract(string text)
    {
        var marked = InsightBlocks.Find(text);
        List<FoundInsight> all = [.. marked.Bodies.Select(body => new FoundInsight(body, InsightRules.Score(body)))];
        List<FoundInsight> sure = [.. all.Where(i => i.Score.Confidence >= options.Value.MinConfidence)];
        return new ExtractedInsights(sure, marked.Blocks, marked.RefusedByLength, all.Count - sure.Count);
    }

    /// <summary>Whether a stored turn is worth looking through.</summary>
    public bool Wants(Turn turn) =>
        options.Value.Extract && turn.Role == ConversationRoles.Assistant
        && (model.Wants(turn.Memory.Content) || (InsightBlocks.MayHave(turn.Memory.Content) && InsightBlocks.Find(turn.Memory.Content).Bodies.Count > 0));
}
