using Mahavishnu.Contracts;

namespace Mahavishnu.Search;

/// <summary>What a search across projects says beyond a search.</summary>
internal sealed partial class SearchValidation
{
    private const int UsualHops = 1;

    /// <returns>The question, or null and the errors by field.</returns>
    public static (ProjectQuestion? Question, IReadOnlyDictionary<string, string[]> Errors) CheckAcross(ProjectSearchRequest request)
    {
        var check = new SearchValidation();
        var question = check.Read(request);
        if (request.ProjectId is null)
        {
            check.Error("projectId", "The project that asks is required.");
        }

        if (request.Hops is < 1 or > ProjectSearchRequest.MostHops)
        {
            check.Error("hops", $"The value must be between 1 and {ProjectSearchRequest.MostHops}.");
        }

        var reasons = check.Names(request.Reasons, "reasons", ScopeReasons.All);
        if (request.Reasons is { Count: 0 })
        {
            check.Error("reasons", "At least one reason is needed; leave it out for all of them.");
        }

        return (
            check._errors.Count == 0 ? new ProjectQuestion(question, question.ProjectId!, request.Hops ?? UsualHops, reasons.Count == 0 ? ScopeReasons.All : reasons) : null,
            check._errors);
    }
}
