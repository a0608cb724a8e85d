using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Mahavishnu.Ingest;

/// <summary>What dependencies of projects and links of sessions answer alike.</summary>
/// <param name="Noun">What one is called in sentences.</param>
/// <param name="Shown">A link as its resource shows it.</param>
/// <param name="Id">The id of what is shown.</param>
internal sealed record LinkRoutes<TLink>(LinkTable Table, string Resource, string Noun, Func<Link, TLink> Shown, Func<TLink, string> Id)
{
    /// <param name="toItself">The error of a link between a thing and itself.</param>
    public async Task<Results<Created<TLink>, Ok<TLink>, ProblemHttpResult>> AddAsync(LinkDraft draft, string toItself, FieldErrors errors, LinkStore links, CancellationToken ct)
    {
        if (!errors.Any && draft.Source == draft.Target)
        {
            errors.Add("target", toItself);
        }

        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var (id, created) = await links.AddAsync(Table, draft, ct);
        return await links.FindAsync(Table, id, ct) switch
        {
            null => Problems.Conflict($"The {Noun} was stored, and removed by somebody else before it could be read back."),
            var link when created => TypedResults.Created($"{Resources.Api}/{Resource}/{Uri.EscapeDataString(id)}", Shown(link)),
            var link => TypedResults.Ok(Shown(link)),
        };
    }

    public async Task<Results<Ok<Page<TLink>>, ProblemHttpResult>> ListAsync(LinkFilter filter, int? limit, string? cursor, FieldErrors errors, LinkStore links, CancellationToken ct)
    {
        var listing = new NamedListing(Resource, limit, cursor, filter, errors);
        if (listing.Refused is { } refused)
        {
            return refused;
        }

        var (items, more) = await links.ListAsync(Table, filter, listing.After, listing.Limit, ct);
        return TypedResults.Ok(listing.Page([.. items.Select(Shown)], more, Id));
    }

    public async Task<Results<Ok<TLink>, ProblemHttpResult>> GetAsync(string id, LinkStore links, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var name = PathName.Read("id", id, errors);
        return errors.Any ? errors.ToProblem()
            : await links.FindAsync(Table, name, ct) is { } link ? TypedResults.Ok(Shown(link))
            : Missing(name);
    }

    public async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(string id, LinkStore links, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var name = PathName.Read("id", id, errors);
        return errors.Any ? errors.ToProblem() : await links.DeleteAsync(Table, name, ct) ? TypedResults.NoContent() : Missing(name);
    }

    private ProblemHttpResult Missing(string id) => Problems.NotFound($"There is no {Noun} '{id}'.");
}
