using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Mahavishnu.Contracts;

namespace Mahavishnu.Mcp;

internal sealed record EvaluateArguments
{
    [AllowedValues(SearchModes.Hybrid, SearchModes.Vector, SearchModes.Text)]
    public string? Mode { get; init; }

    [Description("How many first places count; default 10"), Range(1, 100)]
    public int? K { get; init; }
}

internal sealed record EvaluationAnswer(string Mode, int K, int Queries, IReadOnlyList<string> Degraded, IReadOnlyList<MissedQuery> Missed)
{
    public double? Recall { get; init; }
    public double? Mrr { get; init; }
}

/// <summary>A pinned question that did not find its memory.</summary>
internal sealed record MissedQuery(string Query, Guid MemoryId);

/// <summary>Asks the pinned questions again.</summary>
internal sealed class EvaluateTool(EvaluationsClient evaluations) : MemoryTool<EvaluateArguments, EvaluationAnswer>(
    "evaluate", "Evaluate search",
    "Ask all pinned questions again and say how many still find their memory, and which do not. Call it after a change of model, settings or content, or when the user doubts the search.",
    ToolEffects.Reads)
{
    public override bool IsForAdmin => true;

    protected override async Task<ToolAnswer<EvaluationAnswer>> AnswerAsync(EvaluateArguments arguments, CancellationToken ct)
    {
        var result = await evaluations.RunAsync(new RunEvaluationRequest { Mode = arguments.Mode, K = arguments.K }, ct);
        var answer = new EvaluationAnswer(
            result.Mode, result.K, result.Queries, result.Degraded, [.. result.Results.Where(r => r.Rank is null).Select(r => new MissedQuery(r.Query, r.MemoryId))])
        {
            Recall = result.Recall,
            Mrr = result.Mrr,
        };
        return new(answer, result.Queries == 0
            ? "No question is pinned yet: `mahavishnu eval pin` does it."
            : string.Create(CultureInfo.InvariantCulture, $"{result.Queries - answer.Missed.Count} of {result.Queries} pinned questions find their memory among the first {result.K} ({result.Mode}): recall {result.Recall:0.000}, mean reciprocal rank {result.Mrr:0.000}."));
    }
}
