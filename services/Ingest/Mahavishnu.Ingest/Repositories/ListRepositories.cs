using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>GET /repositories and /repositories/{repoId}: what has been ingested, with what is there of it now.</summary>
internal static class ListRepositories
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/", ListAsync).WithQuery([]).WithName(nameof(ListRepositories)).WithSummary("List the ingested repositories");
        routes.MapGet("/{repoId}", GetAsync).WithQuery([]).WithName("GetRepository").WithSummary("Read one ingested repository");
    }

    internal static async Task<Ok<Page<Repository>>> ListAsync(RepositoryStore store, CancellationToken ct) =>
        TypedResults.Ok(new Page<Repository>(await store.ListAsync(ct), null));

    internal static async Task<Results<Ok<Repository>, ProblemHttpResult>> GetAsync(string repoId, RepositoryStore store, CancellationToken ct) =>
        await store.FindAsync(repoId, ct) is { } repository ? TypedResults.Ok(repository) : Problems.NotFound($"There is no repository '{repoId}'.");
}
