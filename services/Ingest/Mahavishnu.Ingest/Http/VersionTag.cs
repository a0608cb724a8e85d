using System.Globalization;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace Mahavishnu.Ingest;

/// <summary>A memory's version as an entity tag. It speaks of what was stored; whether that is embedded by now is not part of it.</summary>
internal static class VersionTag
{
    public static string Of(int version) => string.Create(CultureInfo.InvariantCulture, $"\"{version}\"");

    public static void Write(HttpResponse response, int version) => response.Headers.ETag = Of(version);

    /// <summary>Reads <c>If-Match</c>: the version that must be there; null for any (<c>*</c>, or absent where <paramref name="required"/> is false).</summary>
    public static ProblemHttpResult? ReadIfMatch(HttpRequest request, bool required, out int? version)
    {
        version = null;
        var given = request.Headers.IfMatch;
        if (given.Count == 0)
        {
            return required ? Problems.PreconditionRequired("If-Match is required: send the ETag (\"1\", or *) of the memory that the change is based on.") : null;
        }

        if (given is ["*"])
        {
            return null;
        }

        // If-Match: "3"
        if (given.Count == 1 && EntityTagHeaderValue.TryParse(given[0], out var tag) && !tag.IsWeak
            && int.TryParse(tag.Tag.AsSpan().Trim('"'), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            version = number;
            return null;
        }

        // A tag of another form can match nothing we made.
        return given.Count == 1 && EntityTagHeaderValue.TryParse(given[0], out _)
            ? Problems.VersionMismatch("If-Match names a version that never was.")
            : Problems.Validation("If-Match", "The value must be one entity tag such as \"3\", or *.");
    }

    public static bool MatchesNoneOf(HttpRequest request, int version) =>
        request.Headers.IfNoneMatch.Count > 0
        && EntityTagHeaderValue.TryParseList(request.Headers.IfNoneMatch, out var tags)
        && tags.Any(t => t.Equals(EntityTagHeaderValue.Any) || t.Compare(new EntityTagHeaderValue(Of(version)), useStrongComparison: false));
}
