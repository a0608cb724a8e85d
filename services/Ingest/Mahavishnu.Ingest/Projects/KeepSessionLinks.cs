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
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("", AddAsync).WithQuery([]).WithName("AddSessionLink").WithSummary("Say that two sessions belong together")
            .ProducesValidationProblem();
        routes.MapGet("", ListAsync).WithQuery(["session", "kind", "limit", "cursor"]).WithName("ListSessionLinks").WithSummary("List links of sessions")
            .ProducesValidationProblem();
        routes.MapGet("/{id}", GetAsync).WithQuery([]).WithName("GetSessionLink").WithSummary("Read one link of sessions")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
        routes.MapDelete("/{id}", DeleteAsync).WithQuery([]).WithName("RemoveSessionLink").WithSummary("Remove a link of sessions")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal sealed record Query(
        [property: FromQuery(Name = "session")] string? Session,
        [property: FromQuery(Name = "kind")] string? Kind,
        [property: FromQuery(Name = "limit")] int? Limit,
        [property: FromQuery(Name = "cursor")] string? Cursor);

    internal static async Task<Results<Created<SessionLink>, Ok<SessionLink>, ProblemHttpResult>> AddAsync(JsonBody<NewSessionLink> body, LinkStore links, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var given = body.Value;
        var draft = new LinkDraft(
            ProjectFields.Required("source", given.Source, errors),
            ProjectFields.Required("target", given.Target, errors),
            MemoryFields.Name("kind", given.Kind, errors) ?? SessionLinkKinds.Related,
            ProjectFields.Text("context", given.Context, errors) ?? "",
            MemoryFields.Metadata(given.Metadata, errors));
        if (!errors.Any && draft.Source == draft.Target)
        {
            errors.Add("target", "A session is not linked to itself.");
        }

        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var (id, created) = await links.AddAsync(LinkTable.Sessions, draft, ct);
        return await links.FindAsync(LinkTable.Sessions, id, ct) switch
        {
            null => Problems.Conflict("The session link was stored, and removed by somebody else before it could be read back."),
            var link when created => TypedResults.Created($"{Resources.Api}/{Resources.SessionLinks}/{Uri.EscapeDataString(id)}", Shown(link)),
            var link => TypedResults.Ok(Shown(link)),
        };
    }

    internal static async Task<Results<Ok<Page<SessionLink>>, ProblemHttpResult>> ListAsync([AsParameters] Query query, LinkStore links, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var filter = new LinkFilter(MemoryFields.Name("session", query.Session, errors), AsSource: true, AsTarget: true, MemoryFields.Name("kind", query.Kind, errors));

        var listing = new NamedListing(Resources.SessionLinks, query.Limit, query.Cursor, filter, errors);
        if (listing.Refused is { } refused)
        {
            return refused;
        }

        var (items, more) = await links.ListAsync(LinkTable.Sessions, filter, listing.After, listing.Limit, ct);
        return TypedResults.Ok(listing.Page([.. items.Select(Shown)], more, l => l.Id));
    }

    internal static async Task<Results<Ok<SessionLink>, ProblemHttpResult>> GetAsync(string id, LinkStore links, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var name = PathName.Read("id", id, errors);
        return errors.Any ? errors.ToProblem()
            : await links.FindAsync(LinkTable.Sessions, name, ct) is { } link ? TypedResults.Ok(Shown(link))
            : Missing(name);
    }

    internal static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(string id, LinkStore links, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var name = PathName.Read("id", id, errors);
        return errors.Any ? errors.ToProblem() : await links.DeleteAsync(LinkTable.Sessions, name, ct) ? TypedResults.NoContent() : Missing(name);
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

    private static ProblemHttpResult Missing(string id) => Problems.NotFound($"There is no session link '{id}'.");
}
