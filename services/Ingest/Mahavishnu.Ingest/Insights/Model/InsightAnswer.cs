using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest;

/// <summary>What an answer of the model comes to.</summary>
/// <param name="Refused">Why each of the others is none: <c>message</c>, <c>quote</c>, <c>length</c>, <c>field</c>, <c>score</c>.</param>
internal sealed record ReadAnswer(IReadOnlyList<InsightOfMessage> Found, IReadOnlyList<string> Refused);

/// <summary>
/// Reads an answer as what somebody unknown wrote: it has the one form there is, or counts for nothing; and each insight in it has the fields that one written by hand may
/// have, a length, and words of its message to show for it. A model that makes things up, or was talked into something, is stopped here or stores a bounded text.
/// </summary>
internal static class InsightAnswer
{
    // Of one that a model may make; a person's may be longer.
    private const int MostContent = 2_000;
    private const int LeastQuote = 10;
    private const int MostQuote = 500;

    private static readonly JsonSerializerOptions Strictly = new(WireJson.Strict) { RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true, PropertyNameCaseInsensitive = false };

    /// <exception cref="ChatModelException">It is not in the form that was asked for.</exception>
    public static ReadAnswer Read(string answer, IReadOnlyList<ShownMessage> shown, string model, double minConfidence)
    {
        var (found, refused) = (new List<InsightOfMessage>(), new List<string>());
        foreach (var said in Parse(answer, model).Insights)
        {
            if (Check(said, shown) is { } reason)
            {
                refused.Add(reason);
                continue;
            }

            var insight = Insight(said, model);
            if (insight.Score.Confidence < minConfidence)
            {
                refused.Add("score");
                continue;
            }

            found.Add(new InsightOfMessage(shown[said.Message - 1].Message, insight));
        }

        return new ReadAnswer(found, refused);
    }

    private static SaidInsights Parse(string answer, string model)
    {
        try
        {
            return JsonSerializer.Deserialize<SaidInsights>(answer, Strictly) ?? throw new JsonException("It is null.");
        }
        // Half of a letter, written as \ud800, is found only when the text is made.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new ChatModelException(ChatReasons.BadAnswer, $"{model} answered with something else than the JSON that was asked for: {e.Message}", inner: e);
        }
    }

    /// <returns>Null: it may be one.</returns>
    private static string? Check(SaidInsight said, IReadOnlyList<ShownMessage> shown)
    {
        if (said.Message < 1 || said.Message > shown.Count)
        {
            return "message";
        }

        if (TextSanitizer.Clean(said.Content).Trim().Length is < InsightLimits.LeastContent or > MostContent)
        {
            return "length";
        }

        if (!InsightTypes.All.Contains(said.Type, StringComparer.Ordinal) || said.Confidence is not (>= 0 and <= 1)
            || said.Topics.Count > InsightLimits.Topics || said.Topics.Any(t => string.IsNullOrWhiteSpace(t) || t.Length > InsightLimits.TopicLength))
        {
            return "field";
        }

        var quote = InsightRules.Fold(said.Quote);
        return quote.Length >= LeastQuote && said.Quote.Length <= MostQuote && InsightRules.Fold(shown[said.Message - 1].Text).Contains(quote, StringComparison.Ordinal) ? null : "quote";
    }

    private static FoundInsight Insight(SaidInsight said, string model)
    {
        var content = TextSanitizer.Clean(said.Content).Trim();
        string[] topics = [.. said.Topics.Select(t => TextSanitizer.Clean(t!).Trim()).Distinct(StringComparer.Ordinal)];
        var score = new InsightScore(said.Type, topics, Math.Round(said.Confidence, 4), InsightRules.Score(content).Quality);
        return new FoundInsight(content, score) { ReadBy = new InsightReader(model, TextSanitizer.Clean(said.Quote).Trim()) };
    }

    private sealed record SaidInsights(IReadOnlyList<SaidInsight> Insights);

    private sealed record SaidInsight(int Message, string Quote, string Content, string Type, IReadOnlyList<string?> Topics, double Confidence);
}
