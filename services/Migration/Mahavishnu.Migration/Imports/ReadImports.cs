using System.Buffers.Binary;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Migration;

/// <summary>GET /imports, /imports/{id} and /imports/{id}/rejects: what was taken over, and what was not.</summary>
internal static class ReadImports
{
    private const int UsualLimit = 50;
    private const int RejectPosition = sizeof(short) + sizeof(short) + sizeof(long);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/", ListAsync).WithQuery(["limit", "cursor"]).WithName("ListImports").WithSummary("List imports, the newest first").ProducesValidationProblem();
        routes.MapGet("/{id}", GetAsync).WithQuery([]).WithName("GetImport").WithSummary("How an import stands: its report").ProducesProblem(StatusCodes.Status404NotFound);
        routes.MapGet("/{id}/rejects", RejectsAsync).WithQuery(["limit", "cursor"]).WithName("ListImportRejects").WithSummary("Rows that were not imported, with reasons")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal static async Task<Results<Ok<Page<ImportSummary>>, ProblemHttpResult>> ListAsync(
        [FromQuery(Name = "limit")] int? limit, [FromQuery(Name = "cursor")] string? cursor, ImportStore store, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var size = KnownQuery.Limit(limit, UsualLimit, MemoryLimits.ListLimit, errors);
        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var listing = Listing.ById(Resources.Imports);
        if (!listing.TryRead(cursor, out var before))
        {
            return Cursor.Refused();
        }

        return TypedResults.Ok(listing.Page(await store.ListAsync(before, size + 1, ct), size, i => i.ImportId));
    }

    internal static async Task<Results<Ok<Import>, ProblemHttpResult>> GetAsync(Guid id, ImportStore store, CancellationToken ct) =>
        await store.FindAsync(id, ct) is { } import ? TypedResults.Ok(import) : Missing(id);

    internal static async Task<Results<Ok<Page<ImportReject>>, ProblemHttpResult>> RejectsAsync(
        Guid id, [FromQuery(Name = "limit")] int? limit, [FromQuery(Name = "cursor")] string? cursor, ImportStore store, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var size = KnownQuery.Limit(limit, UsualLimit, MemoryLimits.ListLimit, errors);
        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var listing = new Listing<RejectPlace>($"{Resources.Imports}/{id}/rejects", RejectPosition, Write, Read);
        if (!listing.TryRead(cursor, out var after))
        {
            return Cursor.Refused();
        }

        if (!await store.ExistsAsync(id, ct))
        {
            return Missing(id);
        }

        var page = listing.Page(await store.RejectsAsync(id, after, size + 1, ct), size, i => i.At);
        return TypedResults.Ok(new Page<ImportReject>([.. page.Items.Select(i => i.Reject)], page.NextCursor));
    }

    public static ProblemHttpResult Missing(Guid id) => Problems.NotFound($"There is no import {id}.");

    private static RejectPlace? Read(ReadOnlySpan<byte> from) => new RejectPlace(
        BinaryPrimitives.ReadInt16BigEndian(from), BinaryPrimitives.ReadInt16BigEndian(from[sizeof(short)..]), BinaryPrimitives.ReadInt64BigEndian(from[(2 * sizeof(short))..]));

    private static void Write(RejectPlace at, Span<byte> into)
    {
        BinaryPrimitives.WriteInt16BigEndian(into, at.File);
        BinaryPrimitives.WriteInt16BigEndian(into[sizeof(short)..], at.Table);
        BinaryPrimitives.WriteInt64BigEndian(into[(2 * sizeof(short))..], at.Row);
    }
}
