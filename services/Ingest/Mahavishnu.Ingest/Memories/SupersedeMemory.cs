using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>POST /memories/{id}:supersede puts another memory in the place of one, which leaves lists and searches; :unsupersede takes that back.</summary>
internal static class SupersedeMemory
{
    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapPost($"/{Resources.Memories}/{{id}}:supersede", HandleAsync)
            .WithQuery([]).WithName(nameof(SupersedeMemory)).WithSummary("Put another memory in the place of this one")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        api.MapPost($"/{Resources.Memories}/{{id}}:unsupersede", BackAsync)
            .WithQuery([]).WithName("UnsupersedeMemory").WithSummary("Take a superseding back")
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal static async Task<Results<Ok<Memory>, ProblemHttpResult>> HandleAsync(
        Guid id, JsonBody<SupersedeRequest> body, MemoryWriteStore memories, HttpResponse response, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var by = MemoryFields.Id(body.Value.By, errors, "by");
        if (body.Value.By is null)
        {
            errors.Add("by", "A value is required: the id of the memory that takes the place.");
        }

        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var result = await memories.SupersedeAsync(id, by!.Value, ct);
        var reason = result.Reason(id, by.Value);
        switch (result.Status)
        {
            case SupersedeStatus.NotFound:
                return GetMemory.Missing(id);
            case SupersedeStatus.ByNotFound:
                return Problems.Validation("by", reason, ErrorCodes.NotFound, StatusCodes.Status404NotFound);
            case SupersedeStatus.Itself:
                return Problems.Validation("by", reason);
            case SupersedeStatus.Cycle:
                return Problems.Validation("by", reason, ErrorCodes.Conflict, StatusCodes.Status409Conflict);
            case SupersedeStatus.Taken:
                return Problems.Conflict(reason);
            default:
                VersionTag.Write(response, result.Memory!.Version);
                return TypedResults.Ok(result.Memory);
        }
    }

    internal static async Task<Results<Ok<Memory>, ProblemHttpResult>> BackAsync(Guid id, MemoryWriteStore memories, HttpResponse response, CancellationToken ct) =>
        PatchMemory.Answer(id, await memories.UnsupersedeAsync(id, ct), response);
}
