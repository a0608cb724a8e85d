using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>
/// POST /memories:batch: up to 10,000 memories as <c>{"memories":[…],"mode":"insert|upsert"}</c>, or one a line (<c>application/x-ndjson</c>,
/// <c>?mode=</c>), which is read as it arrives. Each item has its own result; what has been written stays written whatever happens to the rest.
/// </summary>
internal static class AddMemoryBatch
{
    // A memory of 4 MiB with every character escaped, and room for the rest.
    private const int LongestLine = 32 * 1024 * 1024;

    public static void Map(IEndpointRouteBuilder api) => api.MapPost($"/{Resources.Memories}:batch", HandleAsync)
        .WithQuery(["mode"]).WithName(nameof(AddMemoryBatch)).WithSummary("Store up to 10,000 memories; each item has its own result")
        .WithMetadata(new RequestSizeLimitAttribute(RequestLimits.Batch))
        .Accepts<MemoryBatch>(RequestBody.Json, RequestBody.NdJson)
        .ProducesValidationProblem().ProducesProblem(StatusCodes.Status413PayloadTooLarge);

    internal static async Task<Results<Ok<BatchResult>, ProblemHttpResult>> HandleAsync(
        [FromQuery(Name = "mode")] string? mode, HttpRequest request, BatchWriters writers, CancellationToken ct) =>
        RequestBody.MediaType(request) == RequestBody.NdJson ? await ReadLinesAsync(mode, request, writers, ct) : await ReadJsonAsync(mode, request, writers, ct);

    private static async Task<Results<Ok<BatchResult>, ProblemHttpResult>> ReadJsonAsync(string? mode, HttpRequest request, BatchWriters writers, CancellationToken ct)
    {
        RequestBody.RequireJson(request);
        var body = await RequestBody.ReadAsync(request, ct);
        var (envelope, problem) = BatchEnvelope.Read(body.Span);
        if (problem is not null)
        {
            return problem;
        }

        if (mode is not null && envelope!.Mode is { } said && said != mode)
        {
            return Problems.Validation("mode", "The query string and the body name different modes.");
        }

        if (Mode(mode ?? envelope!.Mode) is not { } writeMode)
        {
            return UnknownMode();
        }

        var writer = writers.Begin(writeMode);
        foreach (var item in envelope!.Items)
        {
            await writer.AddAsync(body.Span[item], ct);
        }

        return TypedResults.Ok(await writer.EndAsync(ct));
    }

    private static async Task<Results<Ok<BatchResult>, ProblemHttpResult>> ReadLinesAsync(string? mode, HttpRequest request, BatchWriters writers, CancellationToken ct)
    {
        if (Mode(mode) is not { } writeMode)
        {
            return UnknownMode();
        }

        var writer = writers.Begin(writeMode);
        await foreach (var line in LineReader.ReadAsync(request.Body, LongestLine, ct))
        {
            if (writer.Count == MemoryLimits.BatchItems)
            {
                var counts = (await writer.EndAsync(ct)).Counts;
                return Problems.Validation("memories", FormattableString.Invariant(
                    $"There are more than {MemoryLimits.BatchItems:N0} lines. The first {MemoryLimits.BatchItems:N0} were taken ({counts.Created:N0} created, {counts.Error:N0} with errors); send the others in another request."));
            }

            await (line is { } text ? writer.AddAsync(WireText.Clean(text).Span, ct) : writer.AddAsync(BatchItem.TooLarge(LongestLine), ct));
        }

        return TypedResults.Ok(await writer.EndAsync(ct));
    }

    private static WriteMode? Mode(string? mode) => mode switch
    {
        null or "insert" => WriteMode.Insert,
        "upsert" => WriteMode.Upsert,
        _ => null,
    };

    private static ProblemHttpResult UnknownMode() => Problems.Validation("mode", "The value must be insert or upsert.");
}
