using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>GET /projects/{id}/overview: what went on, what recurs, and what is asked in vain.</summary>
internal static class OverviewProject
{
    private const int UsualWeeks = 12;
    private const int MostGaps = 20;

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/{id}/overview", HandleAsync)
        .WithQuery(["weeks"]).WithName(nameof(OverviewProject)).WithSummary("Say what a project has been doing, what recurs in it, and what it asks in vain")
        .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);

    internal static async Task<Results<Ok<ProjectOverview>, ProblemHttpResult>> HandleAsync(
        string id, [FromQuery(Name = "weeks")] int? weeks, ProjectStore projects, ProjectOverviewStore overview, AskedQuestionStore questions, IOptions<ProjectOptions> options,
        TimeProvider time, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var name = PathName.Read("id", id, errors);
        if (weeks is < 1 or > ProjectLimits.Weeks)
        {
            errors.Add("weeks", $"The value must be between 1 and {ProjectLimits.Weeks}.");
        }

        if (errors.Any)
        {
            return errors.ToProblem();
        }

        if (await projects.FindAsync(name, ct) is not { } project)
        {
            return ReadProjects.Missing(name);
        }

        var since = Since(time.GetUtcNow(), weeks ?? UsualWeeks);
        var (activity, patterns) = await overview.ReadAsync(name, since, ct);
        var gaps = await questions.GapsAsync(name, since, options.Value.GapAsked, options.Value.GapShare, MostGaps, ct);
        return TypedResults.Ok(new ProjectOverview(project, since, activity, patterns, gaps));
    }

    /// <summary>The Monday so many weeks ago, this week counted.</summary>
    internal static DateTimeOffset Since(DateTimeOffset now, int weeks)
    {
        var today = new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero);
        return today.AddDays(-(((int)today.DayOfWeek + 6) % 7) - 7 * (weeks - 1));
    }
}
