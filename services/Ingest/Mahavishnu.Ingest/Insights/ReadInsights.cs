using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>GET /insights, the newest first, and /insights/{id}: with where they come from and how much they are used.</summary>
internal static class ReadInsights
{
    private const int UsualLimit = 100;

    private static readonly string[] Parameters =
        ["projectId", "agentId", "sessionId", "source", "insightType", "topic", "tag", "extracted", "extractor", "minQuality", "after", "before", "includeSuperseded", "limit", "cursor"];

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet($"/{Resources.Insights}", ListAsync).WithQuery(Parameters, repeatable: "tag").WithName("ListInsights").WithSummary("List insights, the newest first, with how much they are used")
            .ProducesValidationProblem();
        api.MapGet($"/{Resources.Insights}/{{id}}", GetAsync).WithQuery([]).WithName("GetInsight").WithSummary("Read an insight")
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal sealed record Query(
        [property: FromQuery(Name = "projectId")] string? ProjectId,
        [property: FromQuery(Name = "agentId")] string? AgentId,
        [property: FromQuery(Name = "sessionId")] string? SessionId,
        [property: FromQuery(Name = "source")] string? Source,
        [property: FromQuery(Name = "insightType")] string? InsightType,
        [property: FromQuery(Name = "topic")] string? Topic,
        [property: FromQuery(Name = "tag")] string[]? Tag,
        [property: FromQuery(Name = "extracted")] bool? Extracted,
        [property: FromQuery(Name = "extractor")] string? Extractor,
        [property: FromQuery(Name = "minQuality")] double? MinQuality,
        [property: FromQuery(Name = "after")] string? After,
        [property: FromQuery(Name = "before")] string? Before,
        [property: FromQuery(Name = "includeSuperseded")] bool? IncludeSuperseded,
        [property: FromQuery(Name = "limit")] int? Limit,
        [property: FromQuery(Name = "cursor")] string? Cursor);

    internal static async Task<Results<Ok<Page<Insight>>, ProblemHttpResult>> ListAsync([AsParameters] Query query, InsightReadStore insights, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var limit = KnownQuery.Limit(query.Limit, UsualLimit, InsightLimits.ListLimit, errors);
        var filter = new InsightFilter(
            MemoryFields.Name("projectId", query.ProjectId, errors),
            MemoryFields.Name("agentId", query.AgentId, errors),
            MemoryFields.Name("sessionId", query.SessionId, errors),
            MemoryFields.Name("source", query.Source, errors),
            InsightFields.OfType(query.InsightType, errors),
            MemoryFields.Name("topic", query.Topic, errors),
            [.. (query.Tag ?? []).Select(t => MemoryFields.Name("tag", t, errors)!).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
            query.Extracted,
            InsightFields.OfExtractor(query.Extractor, errors),
            InsightFields.Share("minQuality", query.MinQuality, errors),
            KnownQuery.Time("after", query.After, errors),
            KnownQuery.Time("before", query.Before, errors),
            query.IncludeSuperseded ?? false);
        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var listing = Listing.ByTimeAndId(Resources.Insights, filter);
        if (!listing.TryRead(query.Cursor, out var after))
        {
            return Cursor.Refused();
        }

        var (items, more) = await insights.ListAsync(filter, after, limit, ct);
        return TypedResults.Ok(listing.Page(items, more, i => (i.CreatedAt, i.Id)));
    }

    internal static async Task<Results<Ok<Insight>, ProblemHttpResult>> GetAsync(Guid id, InsightReadStore insights, InsightUsageCounter usage, HttpResponse response, CancellationToken ct)
    {
        if (await insights.FindAsync(id, ct) is not { } insight)
        {
            return Problems.NotFound($"There is no insight {id}.");
        }

        usage.Read(id);
        VersionTag.Write(response, insight.Version);
        return TypedResults.Ok(insight);
    }
}
