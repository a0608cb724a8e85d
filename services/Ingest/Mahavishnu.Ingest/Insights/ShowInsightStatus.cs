using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>GET /insights:status: what still waits to be looked through for insights, and why. Asks the language model nothing.</summary>
internal static class ShowInsightStatus
{
    public static void Map(IEndpointRouteBuilder api) => api.MapGet($"/{Resources.Insights}:status", HandleAsync)
        .WithQuery([]).WithName(nameof(ShowInsightStatus)).WithSummary("Say what waits to be looked through for insights, and what a language model could not read");

    internal static async Task<Ok<InsightStatus>> HandleAsync(InsightReadingStore readings, InsightModel model, CancellationToken ct) =>
        TypedResults.Ok(await readings.StatusAsync(model.Name, ct));
}
