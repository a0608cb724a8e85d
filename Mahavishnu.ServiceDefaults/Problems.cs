using Mahavishnu.Contracts;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Mahavishnu.ServiceDefaults;

/// <summary>The failures a handler can answer with: RFC 9457 documents with a <c>code</c> of <see cref="ErrorCodes"/>.</summary>
public static class Problems
{
    /// <summary>Name of the extension (seconds) that also becomes the <c>Retry-After</c> header.</summary>
    internal const string RetryAfter = "retryAfterSeconds";

    /// <summary>400, naming the fields. Keys are JSON paths as the caller wrote them: <c>content</c>, <c>memories[3].tags</c>.</summary>
    public static ProblemHttpResult Validation(IReadOnlyDictionary<string, string[]> errors, string code = ErrorCodes.InvalidRequest) =>
        TypedResults.Problem(ValidationDetails(errors, code));

    /// <summary>400, or another 4xx, naming one field.</summary>
    public static ProblemHttpResult Validation(string field, string message, string code = ErrorCodes.InvalidRequest, int status = StatusCodes.Status400BadRequest) =>
        TypedResults.Problem(ValidationDetails(new Dictionary<string, string[]>(StringComparer.Ordinal) { [field] = [message] }, code, status));

    /// <summary>404.</summary>
    public static ProblemHttpResult NotFound(string detail) => Of(StatusCodes.Status404NotFound, ErrorCodes.NotFound, detail);

    /// <summary>409.</summary>
    public static ProblemHttpResult Conflict(string detail) => Of(StatusCodes.Status409Conflict, ErrorCodes.Conflict, detail);

    /// <summary>412: <c>If-Match</c> names another version than the stored one.</summary>
    public static ProblemHttpResult VersionMismatch(string detail) => Of(StatusCodes.Status412PreconditionFailed, ErrorCodes.VersionMismatch, detail);

    /// <summary>428: the change needs <c>If-Match</c>.</summary>
    public static ProblemHttpResult PreconditionRequired(string detail) =>
        Of(StatusCodes.Status428PreconditionRequired, ErrorCodes.PreconditionRequired, detail);

    /// <summary>503 with <c>Retry-After</c> (whole seconds, at least 1).</summary>
    public static ProblemHttpResult Unavailable(TimeSpan retryAfter, string code = ErrorCodes.DatabaseUnavailable, string? detail = null) =>
        TypedResults.Problem(UnavailableDetails(StatusCodes.Status503ServiceUnavailable, retryAfter, code, detail ?? "The database does not answer. Nothing was lost; ask again."));

    /// <summary>Any other failure.</summary>
    /// <param name="status">HTTP status, 400..599.</param>
    /// <param name="code">One of <see cref="ErrorCodes"/>.</param>
    public static ProblemHttpResult Of(int status, string code, string detail) => TypedResults.Problem(Details(status, code, detail));

    internal static ProblemDetails Details(int status, string code, string detail) =>
        new() { Status = status, Detail = detail, Extensions = { ["code"] = code } };

    internal static ProblemDetails ValidationDetails(IReadOnlyDictionary<string, string[]> errors, string code, int status = StatusCodes.Status400BadRequest) =>
        new HttpValidationProblemDetails(errors.ToDictionary(StringComparer.Ordinal))
        {
            Status = status,
            Title = "The request is not valid.",
            // A client that prints only the detail still says which field it was.
            Detail = string.Join(' ', errors.Select(e => $"{e.Key}: {string.Join(' ', e.Value)}")),
            Extensions = { ["code"] = code },
        };

    internal static ProblemDetails UnavailableDetails(int status, TimeSpan retryAfter, string code, string detail)
    {
        var problem = Details(status, code, detail);
        problem.Extensions[RetryAfter] = Math.Max(1, (int)Math.Ceiling(retryAfter.TotalSeconds));
        return problem;
    }
}
