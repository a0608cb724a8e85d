using System.Globalization;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>POST /insights:extract looks once more through stored messages, as an operation; :preview says what there is in a text, and stores nothing.</summary>
internal static class ExtractInsights
{
    // One at a time, whatever it looks through.
    private const string Subject = "insights";

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapPost($"/{Resources.Insights}:extract", ExtractAsync).WithQuery([]).WithName(nameof(ExtractInsights)).WithSummary("Look once more through stored messages for insights")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status409Conflict);
        api.MapPost($"/{Resources.Insights}:preview", Preview).WithQuery([]).WithName("PreviewInsights").WithSummary("Say which insights stand in a text, and store nothing")
            .ProducesValidationProblem();
    }

    internal static async Task<Results<Accepted<Operation>, ProblemHttpResult>> ExtractAsync(JsonBody<ExtractInsightsRequest> body, InsightModel model, OperationStore operations, CancellationToken ct)
    {
        var (request, errors) = (body.Value, new FieldErrors());
        var input = new SweepInput(
            MemoryFields.Name("sessionId", request.SessionId, errors), MemoryFields.Name("projectId", request.ProjectId, errors),
            MemoryFields.Time("after", request.After, errors), MemoryFields.Time("before", request.Before, errors), request.IncludeImported ?? false, request.DryRun ?? false, request.UseModel ?? false);
        if (request.Before <= request.After)
        {
            errors.Add("before", "The value must be later than \"after\".");
        }

        if (input.UseModel && model.Name is null)
        {
            errors.Add("useModel", $"There is no model to use: {InsightModelOptions.Section}:{nameof(InsightModelOptions.Name)} names none.");
        }

        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var (operation, created, running) = await operations.StartAsync(OperationKinds.Extraction, Subject, input, ct);
        return created || running.Deserialize<SweepInput>(WireJson.Lenient) == input
            ? TypedResults.Accepted($"{Resources.Api}/{Resources.Operations}/{operation.Id}", operation)
            : Problems.Conflict($"Other messages are being looked through (operation {operation.Id}). Wait for its end or cancel it.");
    }

    internal static Results<Ok<InsightPreview>, ProblemHttpResult> Preview(JsonBody<PreviewInsightsRequest> body, InsightExtractor extractor)
    {
        var errors = new FieldErrors();
        var content = MemoryFields.Content(body.Value.Content, errors);
        if (content.Length > InsightLimits.PreviewContent)
        {
            errors.Add("content", string.Create(CultureInfo.InvariantCulture, $"The value has {content.Length:N0} characters; at most {InsightLimits.PreviewContent:N0} are looked through."));
        }

        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var extracted = extractor.Extract(content);
        return TypedResults.Ok(new InsightPreview(
            [.. extracted.Found.Select(i => new PreviewedInsight(i.Content, i.Score.Type, i.Score.Topics, i.Score.Confidence, i.Score.Quality))],
            extracted.Blocks, extracted.RefusedByLength, extracted.RefusedByScore));
    }
}
