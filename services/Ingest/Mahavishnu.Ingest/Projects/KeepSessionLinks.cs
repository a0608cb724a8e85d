using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>/session-links: sessions that belong together.</summary>
internal static class KeepSessionLinks
{
    private static readonly LinkRoutes<SessionLink> Links = new(LinkTable.Sessions, Resources.SessionLinks, "session link", Shown, l => l.Id);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("", AddAsync).WithQuery([]).WithName("AddSessionLink").WithSummary("Say that two sessions belong together")
            .ProducesValidationProblem();
        routes.MapGet("", ListAsync).WithQuery(["session", "kind", "limit", "cursor"]).WithName("ListSessionLinks").WithSummary("List links of sessions")
            .ProducesValidationProblem();
        routes.MapGet("/{id}", Links.GetAsync).WithQuery([]).WithName("GetSessionLink").WithSummary("Read one link of sessions")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
        routes.MapDelete("/{id}", Links.DeleteAsync).WithQuery([]).WithName("RemoveSessionLink").WithSummary("Remove a link of sessions")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal sealed record Query(
        [property: FromQuery(Name = "session")] string? Session,
        [property: FromQuery(Name = "kind")] string? Kind,
        [property: FromQuery(Name = "limit")] int? Limit,
        [property: FromQuery(Name = "cursor")] string? Cursor);

    internal static Task<Results<Created<SessionLink>, Ok<SessionLink>, ProblemHttpResult>> AddAsync(JsonBody<NewSessionLink> body, LinkStore links, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var given = body.Value;
        var draft = new LinkDraft(
            ProjectFields.Required("source", given.Source, errors),
            ProjectFields.Required("target", given.Target, errors),
            MemoryFields.Name("kind", given.Kind, errors) ?? SessionLinkKinds.Related,
            ProjectFields.Text("context", given.Context, errors) ?? "",
            MemoryFields.Metadata(given.Metadata, errors));
        return Links.AddAsync(draft, "A session is not linked to itself.", errors, links, ct);
    }

    internal static Task<Results<Ok<Page<SessionLink>>, ProblemHttpResult>> ListAsync([AsParameters] Query query, LinkStore links, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var filter = new LinkFilter(MemoryFields.Name("session", query.Session, errors), AsSource: true, AsTarget: true, MemoryFields.Name("kind", query.Kind, errors));
        return Links.ListAsync(filter, query.Limit, query.Cursor, errors, links, ct);
    }

    private static SessionLink Shown(Link link) => new()
    {
        Id = link.Id,
        Source = link.Source,
        Target = link.Target,
        Kind = link.Kind,
        Context = link.Text,
        Metadata = link.Metadata,
        CreatedAt = link.CreatedAt,
    };
}
