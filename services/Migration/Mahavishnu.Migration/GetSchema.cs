using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Migration;

/// <summary>GET /schema: what the database has, and what this program would have it be.</summary>
internal static class GetSchema
{
    public static void Map(IEndpointRouteBuilder api) =>
        api.MapGet($"/{Resources.Schema}", HandleAsync).WithTags("Schema").WithName(nameof(GetSchema)).WithSummary("Version of the database's schema");

    internal static async Task<Ok<SchemaInfo>> HandleAsync(SchemaStore schema, CancellationToken ct)
    {
        var applied = await schema.ReadAsync(ct);
        return TypedResults.Ok(new SchemaInfo(applied.Count == 0 ? 0 : applied[^1].Number, SchemaStore.ProgramVersion, applied));
    }
}
