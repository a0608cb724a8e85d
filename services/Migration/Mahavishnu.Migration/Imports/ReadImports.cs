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
    private const int ImportPosition = 16;
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

        var position = new byte[ImportPosition];
        if (cursor is not null && !Cursor.TryRead(cursor, Resources.Imports, position))
        {
            return Cursor.Refused();
        }

        var found = await store.ListAsync(cursor is null ? null : new Guid(position), size + 1, ct);
        var items = found.Take(size).ToList();
        return TypedResults.Ok(new Page<ImportSummary>(items, found.Count > size ? Cursor.Write(Resources.Imports, items[^1].ImportId.ToByteArray()) : null));
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

        var listing = $"{Resources.Imports}/{id}/rejects";
        var position = new byte[RejectPosition];
        if (cursor is not null && !Cursor.TryRead(cursor, listing, position))
        {
            return Cursor.Refused();
        }

        if (!await store.ExistsAsync(id, ct))
        {
            return Missing(id);
        }

        var found = await store.RejectsAsync(id, cursor is null ? null : Read(position), size + 1, ct);
        var items = found.Take(size).ToList();
        return TypedResults.Ok(new Page<ImportReject>([.. items.Select(i => i.Reject)], found.Count > size ? Cursor.Write(listing, Write(items[^1].At)) : null));
    }

    public static ProblemHttpResult Missing(Guid id) => Problems.NotFound($"There is no import {id}.");

    private static RejectPlace Read(ReadOnlySpan<byte> position) => new(
        BinaryPrimitives.ReadInt16BigEndian(position), BinaryPrimitives.ReadInt16BigEndian(position[sizeof(short)..]), BinaryPrimitives.ReadInt64BigEndian(position[(2 * sizeof(short))..]));

    private static byte[] Write(RejectPlace at)
    {
        var position = new byte[RejectPosition];
        BinaryPrimitives.WriteInt16BigEndian(position, at.File);
        BinaryPrimitives.WriteInt16BigEndian(position.AsSpan(sizeof(short)), at.Table);
        BinaryPrimitives.WriteInt64BigEndian(position.AsSpan(2 * sizeof(short)), at.Row);
        return position;
    }
}
