using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>Which insights are taken from what assistants say (section <c>Insights</c>).</summary>
internal sealed class InsightOptions
{
    public const string Section = "Insights";

    /// <summary>Takes marked insights from the assistant's turns of a conversation soon after they are stored. What is asked for by <c>POST /insights:extract</c> is done in any case.</summary>
    public bool Extract { get; set; } = true;

    /// <summary>Insights less sure than this are left out; 0.3 leaves none out.</summary>
    [Range(0.0, 1.0)] public double MinConfidence { get; set; } = 0.3;

    /// <summary>Most insights taken from the turns of one write, the first ones first.</summary>
    [Range(1, 1_000)] public int MaxPerCheckpoint { get; set; } = 10;

    /// <summary>Most insights taken from one session altogether.</summary>
    [Range(1, 100_000)] public int MaxPerSession { get; set; } = 100;
}

[OptionsValidator]
internal sealed partial class InsightOptionsValidator : IValidateOptions<InsightOptions>;
