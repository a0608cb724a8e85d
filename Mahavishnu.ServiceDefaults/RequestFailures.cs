using System.Data.Common;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Mahavishnu.Contracts;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.ServiceDefaults;

/// <summary>Where every exception of a request ends: as a problem document that names the field, the dependency, or nothing but a trace id.</summary>
internal sealed partial class RequestFailures(IProblemDetailsService problems, IHostApplicationLifetime lifetime, ILogger<RequestFailures> logger) : IExceptionHandler
{
    private static readonly TimeSpan DatabaseRetryAfter = TimeSpan.FromSeconds(2);

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (httpContext.RequestAborted.IsCancellationRequested && !lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // Nobody is there to read an answer, and a client that goes away is not our error.
            httpContext.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            ClientGone(logger, httpContext.Request.Method, httpContext.Request.Path);
            return true;
        }

        var problem = Describe(exception, httpContext);
        Log(exception, problem, httpContext);
        httpContext.Response.StatusCode = problem.Status!.Value;
        await problems.WriteAsync(new ProblemDetailsContext { HttpContext = httpContext, ProblemDetails = problem, Exception = exception });
        return true;
    }

    private ProblemDetails Describe(Exception exception, HttpContext context)
    {
        if (exception is BadHttpRequestException bad)
        {
            return Describe(bad, context);
        }

        if (exception is JsonException json)
        {
            return Describe(json);
        }

        // "Unable to read the request as JSON because the request content type charset 'bogus' is not a known encoding."
        if (exception is InvalidOperationException && exception.Message.Contains("charset", StringComparison.Ordinal) && exception.InnerException is ArgumentException)
        {
            return UnsupportedMediaType(context);
        }

        if (exception is TooBusyException)
        {
            return Problems.UnavailableDetails(StatusCodes.Status503ServiceUnavailable, DatabaseRetryAfter, ErrorCodes.Busy, exception.Message);
        }

        if (IsDatabaseTrouble(exception))
        {
            return Problems.UnavailableDetails(StatusCodes.Status503ServiceUnavailable, DatabaseRetryAfter, ErrorCodes.DatabaseUnavailable,
                "The database does not answer. Nothing was lost; ask again.");
        }

        // 42P01: a table is not there. Until somebody has upgraded the schema, every request would be an "unexpected error".
        if (exception is DbException { SqlState: "42P01" })
        {
            return Problems.UnavailableDetails(StatusCodes.Status503ServiceUnavailable, DatabaseRetryAfter, ErrorCodes.SchemaMismatch,
                "The database does not have this program's schema. Run `mahavishnu db migrate`, or the migration service with --migrate.");
        }

        if (exception is OperationCanceledException && lifetime.ApplicationStopping.IsCancellationRequested)
        {
            return Problems.UnavailableDetails(StatusCodes.Status503ServiceUnavailable, DatabaseRetryAfter, ErrorCodes.Cancelled, "The server is stopping.");
        }

        return Problems.Details(StatusCodes.Status500InternalServerError, ErrorCodes.Internal, "An unexpected error. The log has more under the trace id.");
    }

    /// <summary>Whether asking again later can help: the server is gone, starting, stopping, full, or the connection broke.</summary>
    internal static bool IsDatabaseTrouble(Exception exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            if (e is DbException db)
            {
                // 08 connection, 28 and 3D a login or database that is not there (yet), 53 out of resources (too many connections),
                // 57P shutdown and "cannot connect now", 58 system error;
                // a serialization failure or deadlock that is still there after the store's own retries is also a matter of asking again.
                return db.IsTransient
                    || db.SqlState is { Length: 5 } state && (state[..2] is "08" or "28" or "3D" or "53" or "58" || state.StartsWith("57P", StringComparison.Ordinal))
                    || db.InnerException is SocketException or IOException or TimeoutException;
            }
        }

        return false;
    }

    private static ProblemDetails Describe(BadHttpRequestException bad, HttpContext context)
    {
        if (bad.InnerException is JsonException json)
        {
            return Describe(json);
        }

        if (bad.StatusCode == StatusCodes.Status415UnsupportedMediaType)
        {
            return UnsupportedMediaType(context);
        }

        if (bad.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return TooLarge(context);
        }

        if (bad.StatusCode != StatusCodes.Status400BadRequest)
        {
            return Problems.Details(bad.StatusCode, ErrorCodes.InvalidRequest, bad.Message);
        }

        // Failed to bind parameter "Nullable<int> limit" from "abc".
        if (Unbound().Match(bad.Message) is { Success: true } unbound)
        {
            return Invalid(unbound.Groups["name"].Value, $"{JsonProblems.ExpectedType(unbound.Groups["type"].Value).TrimEnd('.')}, not '{Shorten(unbound.Groups["value"].Value)}'.");
        }

        // Required parameter "string s" was not provided from query string.
        if (NotProvided().Match(bad.Message) is { Success: true } missing)
        {
            return missing.Groups["source"].Value == "body" ? NoBody() : Invalid(missing.Groups["name"].Value, "A value is required.");
        }

        // Implicit body inferred for parameter "r" but no body was provided. Did you mean to use a Service instead?
        return bad.Message.Contains("no body was provided", StringComparison.Ordinal)
            ? NoBody()
            : Problems.Details(StatusCodes.Status400BadRequest, ErrorCodes.InvalidRequest, bad.Message);
    }

    private static ProblemDetails Describe(JsonException json)
    {
        var (field, message, code) = JsonProblems.Explain(json);
        return Problems.ValidationDetails(Error(field, message), code);
    }

    private static ProblemDetails NoBody() =>
        Problems.ValidationDetails(Error(JsonProblems.Body, "A JSON body is required."), ErrorCodes.InvalidRequest);

    private static ProblemDetails Invalid(string parameter, string message) =>
        Problems.ValidationDetails(Error(JsonNamingPolicy.CamelCase.ConvertName(parameter), message), ErrorCodes.InvalidRequest);

    private static Dictionary<string, string[]> Error(string field, string message) => new(StringComparer.Ordinal) { [field] = [message] };

    internal static ProblemDetails UnsupportedMediaType(HttpContext context)
    {
        var given = context.Request.ContentType is { Length: > 0 } type ? $"'{Shorten(type)}'" : "no content type";
        var accepted = context.GetEndpoint()?.Metadata.GetMetadata<Microsoft.AspNetCore.Http.Metadata.IAcceptsMetadata>()?.ContentTypes;
        var expected = accepted is { Count: > 0 } ? string.Join(" or ", accepted) : "application/json";
        return Problems.ValidationDetails(
            Error("Content-Type", $"The body must be sent as {expected} (UTF-8), not as {given}."), ErrorCodes.UnsupportedMediaType, StatusCodes.Status415UnsupportedMediaType);
    }

    internal static ProblemDetails TooLarge(HttpContext context)
    {
        var limit = context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize;
        var message = limit is null ? "The body is too large." : FormattableString.Invariant($"The body is larger than the {limit:N0} bytes this route takes.");
        return Problems.ValidationDetails(Error(JsonProblems.Body, message), ErrorCodes.TooLarge, StatusCodes.Status413PayloadTooLarge);
    }

    private static string Shorten(string value) => value.Length <= 100 ? value : string.Concat(value.AsSpan(0, 100), "…");

    private void Log(Exception exception, ProblemDetails problem, HttpContext context)
    {
        if (problem.Status >= 500 && problem.Extensions["code"] is ErrorCodes.Internal or ErrorCodes.SchemaMismatch)
        {
            Failed(logger, context.Request.Method, context.Request.Path, exception);
        }
        else if (problem.Status >= 500)
        {
            var reason = exception.GetBaseException().Message;
            Unavailable(logger, context.Request.Method, context.Request.Path, reason);
        }
        else
        {
            Refused(logger, context.Request.Method, context.Request.Path, problem.Status!.Value, problem.Detail);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed")]
    private static partial void Failed(ILogger logger, string method, PathString path, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Method} {Path} could not be answered now: {Reason}")]
    private static partial void Unavailable(ILogger logger, string method, PathString path, string reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Method} {Path} refused with {Status}: {Reason}")]
    private static partial void Refused(ILogger logger, string method, PathString path, int status, string? reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Method} {Path}: the client went away")]
    private static partial void ClientGone(ILogger logger, string method, PathString path);

    private const RegexOptions Options = RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.Singleline;

    [GeneratedRegex("^Failed to bind parameter \"(?<type>.+) (?<name>\\w+)\" from \"(?<value>.*)\"\\.$", Options, 1000)]
    private static partial Regex Unbound();

    [GeneratedRegex("^Required parameter \"(?<type>.+) (?<name>\\w+)\" was not provided from (?<source>.+)\\.$", Options, 1000)]
    private static partial Regex NotProvided();
}
