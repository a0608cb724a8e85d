using System.Globalization;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>POST /insights/{id}:share gives an insight to other projects; /insights/{id}/shares says who has and had it, and takes it back.</summary>
internal static class ShareInsight
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/{id}:share", ShareAsync).WithQuery([]).WithName(nameof(ShareInsight)).WithSummary("Share an insight with projects, or with the members of groups")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        routes.MapGet("/{id}/shares", ListAsync).WithQuery([]).WithName("ListInsightShares").WithSummary("Say who has an insight, and who had it")
            .ProducesProblem(StatusCodes.Status404NotFound);
        routes.MapDelete("/{id}/shares/{shareId}", WithdrawAsync).WithQuery(["by"]).WithName("WithdrawInsight").WithSummary("Take a share back; that it was there stays known")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal static async Task<Results<Ok<Page<InsightShare>>, ProblemHttpResult>> ShareAsync(Guid id, JsonBody<ShareInsightRequest> body, InsightShareStore shares, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var given = body.Value;
        var draft = new ShareDraft(
            ProjectFields.Ids("projects", given.Projects, errors),
            ProjectFields.Ids("groups", given.Groups, errors),
            MemoryFields.Name("by", given.By, errors),
            ProjectFields.Text("reason", given.Reason, errors));
        if (!errors.Any && draft is { Projects.Count: 0, Groups.Count: 0 })
        {
            errors.Add("projects", "Say with whom: at least one project, or one group.");
        }

        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var target = await shares.LookAsync(id, draft.Groups, ct);
        switch (target.Type)
        {
            case null:
                return Missing(id);
            case not MemoryTypes.Insight:
                return Problems.Conflict($"Memory {id} is of type {target.Type}; what is shared is an insight.");
        }

        Refuse("groups", given.Groups, target.UnknownGroups.Contains, g => $"There is no group '{g}'.", errors);
        Refuse("projects", given.Projects, p => p == target.ProjectId, _ => "The insight is this project's own.", errors);
        return errors.Any ? errors.ToProblem() : TypedResults.Ok(new Page<InsightShare>(await shares.ShareAsync(id, draft, ct), null));
    }

    internal static async Task<Results<Ok<Page<InsightShare>>, ProblemHttpResult>> ListAsync(Guid id, InsightShareStore shares, CancellationToken ct) =>
        await shares.ListAsync(id, ct) is { } all ? TypedResults.Ok(new Page<InsightShare>(all, null)) : Missing(id);

    internal static async Task<Results<NoContent, ProblemHttpResult>> WithdrawAsync(
        Guid id, Guid shareId, [FromQuery(Name = "by")] string? by, InsightShareStore shares, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var who = MemoryFields.Name("by", by, errors);
        return errors.Any ? errors.ToProblem()
            : await shares.WithdrawAsync(id, shareId, who, ct) ? TypedResults.NoContent()
            : Problems.NotFound($"There is no share {shareId} of an insight {id}.");
    }

    private static void Refuse(string field, IReadOnlyList<string?>? given, Func<string, bool> wrong, Func<string, string> why, FieldErrors errors)
    {
        foreach (var (i, name) in (given ?? []).Index())
        {
            if (name is not null && wrong(name))
            {
                errors.Add(string.Create(CultureInfo.InvariantCulture, $"{field}[{i}]"), why(name));
            }
        }
    }

    private static ProblemHttpResult Missing(Guid id) => Problems.NotFound($"There is no insight {id}.");
}
