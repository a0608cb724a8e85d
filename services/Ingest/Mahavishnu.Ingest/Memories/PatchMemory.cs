using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>PATCH /memories/{id}: changes what is named, clears what is null, and keeps what was in the history.</summary>
internal static class PatchMemory
{
    public static void Map(IEndpointRouteBuilder api) => api.MapPatch($"/{Resources.Memories}/{{id}}", HandleAsync)
        .WithQuery([]).WithName(nameof(PatchMemory)).WithSummary("Change a memory (JSON merge patch; needs If-Match)")
        .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict)
        .ProducesProblem(StatusCodes.Status412PreconditionFailed).ProducesProblem(StatusCodes.Status428PreconditionRequired);

    internal static async Task<Results<Ok<Memory>, ProblemHttpResult>> HandleAsync(
        Guid id, JsonBody<MemoryPatch> body, MemoryWriteStore memories, HttpRequest request, HttpResponse response, CancellationToken ct)
    {
        if (VersionTag.ReadIfMatch(request, required: true, out var version) is { } refused)
        {
            return refused;
        }

        var errors = new FieldErrors();
        if (MemoryInput.Read(body.Value, Given(body.Text), errors) is not { } change)
        {
            return errors.ToProblem();
        }

        return Answer(id, await memories.UpdateAsync(id, version, change, ct), response);
    }

    public static Results<Ok<Memory>, ProblemHttpResult> Answer(Guid id, ChangeResult result, HttpResponse response)
    {
        if (result.Memory is { } memory)
        {
            VersionTag.Write(response, memory.Version);
        }

        return result.Status switch
        {
            ChangeStatus.Changed or ChangeStatus.Unchanged => TypedResults.Ok(result.Memory!),
            ChangeStatus.VersionMismatch => Problems.VersionMismatch($"The memory is at version {result.Memory!.Version}."),
            ChangeStatus.Duplicate => Problems.Conflict($"The memory {result.Other} has the same content."),
            _ => GetMemory.Missing(id),
        };
    }

    // A record cannot tell "null" from "not there"; the text can.
    private static HashSet<string> Given(ReadOnlyMemory<byte> text)
    {
        using var json = JsonDocument.Parse(text);
        return json.RootElement.EnumerateObject().Select(p => p.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
    }
}
