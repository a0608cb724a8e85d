using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Mahavishnu.Ingest;

/// <summary>A listing by name as it was asked for: how much of it, and from where on.</summary>
internal sealed record NamedListing
{
    private readonly string _listing;

    /// <param name="filters">What else the listing depends on.</param>
    /// <param name="errors">What is wrong with those, so far.</param>
    public NamedListing(string route, int? limit, string? cursor, object? filters = null, FieldErrors? errors = null)
    {
        errors ??= new FieldErrors();
        _listing = filters is null ? route : $"{route}?{JsonSerializer.Serialize(filters, WireJson.Strict)}";
        Limit = KnownQuery.Limit(limit, ReadProjects.UsualLimit, MemoryLimits.ListLimit, errors);
        After = cursor is null ? "" : Cursor.Name(cursor, _listing) ?? "";
        Refused = errors.Any ? errors.ToProblem() : cursor is not null && After.Length == 0 ? Cursor.Refused() : null;
    }

    public int Limit { get; }

    /// <summary>The last one of the page before; "" for the beginning.</summary>
    public string After { get; }

    /// <summary>Null: all is well.</summary>
    public ProblemHttpResult? Refused { get; }

    public Page<T> Page<T>(IReadOnlyList<T> items, bool more, Func<T, string> name) => new(items, more ? Cursor.Write(_listing, name(items[^1])) : null);
}
