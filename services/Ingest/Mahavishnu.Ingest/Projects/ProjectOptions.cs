using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>What the overview of a project counts as a gap in its knowledge (section <c>Projects</c>).</summary>
internal sealed class ProjectOptions
{
    public const string Section = "Projects";

    /// <summary>How often a question must have been asked to be shown as one that is answered badly.</summary>
    [Range(1, 1_000)] public int GapAsked { get; set; } = 2;

    /// <summary>Share of all questions, the worst answered ones, that count as answered badly, 0 to 1; one that found nothing always does.</summary>
    [Range(0.0, 1.0)] public double GapShare { get; set; } = 0.25;
}

[OptionsValidator]
internal sealed partial class ProjectOptionsValidator : IValidateOptions<ProjectOptions>;
