using System.Diagnostics;
using System.Globalization;
using System.Net.Mime;
using Mahavishnu.Contracts;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using JsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;

namespace Mahavishnu.ServiceDefaults;

/// <summary>
/// Writes every problem document, whatever the client accepts: the framework's own writer falls silent for <c>Accept: text/html</c>,
/// and a failure without a word is worse than JSON in a browser.
/// </summary>
internal sealed class ProblemWriter(IOptions<JsonOptions> json) : IProblemDetailsWriter
{
    public bool CanWrite(ProblemDetailsContext context) => true;

    public ValueTask WriteAsync(ProblemDetailsContext context)
    {
        var (http, problem) = (context.HttpContext, context.ProblemDetails);
        Complete(problem, http);
        if (problem.Extensions.TryGetValue(Problems.RetryAfter, out var seconds))
        {
            http.Response.Headers.RetryAfter = Convert.ToString(seconds, CultureInfo.InvariantCulture);
        }

        http.Response.StatusCode = problem.Status!.Value;
        return new(http.Response.WriteAsJsonAsync(problem, problem.GetType(), json.Value.SerializerOptions, MediaTypeNames.Application.ProblemJson, http.RequestAborted));
    }

    /// <summary>The body for a status that was answered without one: an unknown route, a wrong method, a bare <c>NotFound()</c>.</summary>
    public static ProblemDetails ForStatus(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound when context.GetEndpoint() is null =>
            Problems.Details(404, ErrorCodes.NotFound, $"There is no {context.Request.Method} {context.Request.Path}."),
        StatusCodes.Status404NotFound => Problems.Details(404, ErrorCodes.NotFound, $"Nothing is at {context.Request.Path}."),
        StatusCodes.Status405MethodNotAllowed => Problems.Details(405, ErrorCodes.MethodNotAllowed,
            $"{context.Request.Path} takes {context.Response.Headers.Allow}, not {context.Request.Method}."),
        StatusCodes.Status413PayloadTooLarge => RequestFailures.TooLarge(context),
        StatusCodes.Status415UnsupportedMediaType => RequestFailures.UnsupportedMediaType(context),
        var status => Problems.Details(status, CodeOf(status), $"{ReasonPhrases.GetReasonPhrase(status)}."),
    };

    private static void Complete(ProblemDetails problem, HttpContext http)
    {
        problem.Status ??= http.Response.StatusCode is >= 400 and var set ? set : StatusCodes.Status500InternalServerError;
        problem.Title ??= ReasonPhrases.GetReasonPhrase(problem.Status.Value);
        if (problem is HttpValidationProblemDetails { Errors.Count: > 0 } validation)
        {
            validation.Errors = validation.Errors.ToDictionary(e => CamelPath(e.Key), e => e.Value, StringComparer.Ordinal);
            validation.Detail ??= string.Join(' ', validation.Errors.Select(e => $"{e.Key}: {string.Join(' ', e.Value)}"));
        }

        problem.Extensions.TryAdd("code", CodeOf(problem.Status.Value));
        // The framework's types are links to the sections of RFC 9110, which say no more than the status does.
        problem.Type = $"urn:mahavishnu:problem:{problem.Extensions["code"]}";
        problem.Extensions.TryAdd("traceId", Activity.Current?.TraceId.ToString() ?? http.TraceIdentifier);
    }

    /// <summary>Memories[3].Tags (from validation attributes) → memories[3].tags; what is camelCase already stays.</summary>
    internal static string CamelPath(string path)
    {
        var letters = path.ToCharArray();
        for (var i = 0; i < letters.Length; i++)
        {
            if (i == 0 || letters[i - 1] == '.')
            {
                letters[i] = char.ToLowerInvariant(letters[i]);
            }
        }

        // A header's name keeps the case in which everybody knows it.
        return path.Contains('-', StringComparison.Ordinal) || path.Contains('\'', StringComparison.Ordinal) ? path : new string(letters);
    }

    private static string CodeOf(int status) => status switch
    {
        401 => ErrorCodes.Unauthorized,
        403 => ErrorCodes.ForbiddenOrigin,
        404 => ErrorCodes.NotFound,
        405 => ErrorCodes.MethodNotAllowed,
        409 => ErrorCodes.Conflict,
        412 => ErrorCodes.VersionMismatch,
        413 => ErrorCodes.TooLarge,
        415 => ErrorCodes.UnsupportedMediaType,
        428 => ErrorCodes.PreconditionRequired,
        502 or 503 or 504 => ErrorCodes.UpstreamUnavailable,
        >= 500 => ErrorCodes.Internal,
        _ => ErrorCodes.InvalidRequest,
    };
}
