using Mahavishnu.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Mahavishnu.ServiceDefaults;

/// <summary>Query strings are strict: a misspelt filter that is ignored would answer with everything.</summary>
public static class KnownQuery
{
    /// <summary>Refuses parameters other than <paramref name="names"/>, and all but <paramref name="repeatable"/> when given twice.</summary>
    public static RouteHandlerBuilder WithQuery(this RouteHandlerBuilder route, string[] names, string? repeatable = null) =>
        route.AddEndpointFilter((context, next) =>
        {
            foreach (var (name, values) in context.HttpContext.Request.Query)
            {
                if (!names.Contains(name, StringComparer.OrdinalIgnoreCase))
                {
                    var known = names.Length == 0 ? "This route takes none." : $"Known are {string.Join(", ", names)}.";
                    return new(Problems.Validation(name, $"There is no such query parameter. {known}", ErrorCodes.UnknownProperty));
                }

                if (values.Count > 1 && !name.Equals(repeatable, StringComparison.OrdinalIgnoreCase))
                {
                    return new(Problems.Validation(name, "The query parameter is given more than once."));
                }
            }

            return next(context);
        });

    /// <summary>A page's size, 1..<paramref name="most"/>.</summary>
    public static int Limit(int? given, int usual, int most, FieldErrors errors)
    {
        if (given is < 1 || given > most)
        {
            errors.Add("limit", FormattableString.Invariant($"The value must be between 1 and {most:N0}."));
        }

        return given ?? usual;
    }

    /// <summary>An ISO 8601 time.</summary>
    public static DateTimeOffset? Time(string name, string? given, FieldErrors errors)
    {
        if (given is null)
        {
            return null;
        }

        if (WireTime.TryParse(given, out var time))
        {
            return time;
        }

        errors.Add(name, "The value must be an ISO 8601 time such as 2026-01-31T12:00:00Z.");
        return null;
    }
}
