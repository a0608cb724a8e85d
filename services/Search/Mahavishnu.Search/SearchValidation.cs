using System.Globalization;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Search;

/// <summary>From what came over the wire to a <see cref="Question"/>, or to every reason why not, each under the field's own name.</summary>
internal sealed partial class SearchValidation
{
    private const int DefaultLimit = 10;
    private const int MaxNames = 100;
    private const double ShortestHalfLife = 1.0 / (24 * 60);
    private const double LongestHalfLife = 100 * 365.25;

    private readonly Dictionary<string, string[]> _errors = new(StringComparer.Ordinal);

    private SearchValidation()
    {
    }

    /// <returns>The question, or null and the errors by field.</returns>
    public static (Question? Question, IReadOnlyDictionary<string, string[]> Errors) Check(SearchRequest request)
    {
        var check = new SearchValidation();
        var question = check.Read(request);
        return (check._errors.Count == 0 ? question : null, check._errors);
    }

    private Question Read(SearchRequest r)
    {
        var mode = Choice(r.Mode, "mode", SearchMode.Hybrid);
        return new Question
        {
            Text = QueryText(r),
            Like = LikeId(r),
            Mode = mode,
            Types = Names(r.Types, "types", MemoryTypes.All),
            Sources = Names(r.Sources, "sources"),
            ProjectId = Name(r.ProjectId, "projectId"),
            RepoId = Name(r.RepoId, "repoId"),
            AgentId = Name(r.AgentId, "agentId"),
            WorkflowId = Name(r.WorkflowId, "workflowId"),
            SessionId = Name(r.SessionId, "sessionId"),
            Tags = Names(r.Tags, "tags"),
            After = r.After,
            Before = Before(r),
            AsOf = r.AsOf,
            IncludeSuperseded = r.IncludeSuperseded ?? false,
            Filter = ReadFilter(r.Filter),
            Limit = Limit(r.Limit),
            Threshold = Threshold(r.Threshold, mode),
            GroupBy = Choice(r.GroupBy, "groupBy", Grouping.None),
            Explain = r.Explain ?? false,
            HalfLife = HalfLife(r.HalfLife),
            Language = Language(r.Language),
        };
    }

    private string? QueryText(SearchRequest r)
    {
        if (r.Query is null)
        {
            if (r.Like is null)
            {
                Error("query", "A question is required (or \"like\", the id of a memory to find more like).");
            }

            return null;
        }

        if (r.Like is not null)
        {
            Error("query", "Give either \"query\" or \"like\", not both.");
        }

        if (r.Query.Length > SearchRequest.MaxQueryLength)
        {
            Error("query", $"The question has {r.Query.Length} characters; at most {SearchRequest.MaxQueryLength} are allowed.");
        }

        var text = TextSanitizer.Clean(r.Query).Trim();
        if (text.Length == 0)
        {
            Error("query", "The question must not be empty.");
        }
        else if (AskedText.Read(text).Words.Length == 0)
        {
            Error("query", "The question only says what must not be there; it needs a word to look for as well.");
        }

        return text;
    }

    private Guid? LikeId(SearchRequest r)
    {
        if (r.Like is null)
        {
            return null;
        }

        if (Guid.TryParse(r.Like, out var id))
        {
            return id;
        }

        Error("like", "The value must be a UUID such as 0198c0de-0000-7000-8000-000000000000.");
        return null;
    }

    private int Limit(int? limit)
    {
        if (limit is < 1 or > SearchRequest.MaxLimit)
        {
            Error("limit", $"The value must be between 1 and {SearchRequest.MaxLimit}.");
        }

        return limit ?? DefaultLimit;
    }

    private double? Threshold(double? threshold, SearchMode mode)
    {
        if (threshold is < -1 or > 1)
        {
            Error("threshold", "The value must be between -1 and 1: it is a similarity (1 - cosine distance).");
        }
        else if (threshold is not null && mode == SearchMode.Text)
        {
            Error("threshold", "Mode \"text\" knows no similarity; use \"vector\" or \"hybrid\".");
        }

        return threshold;
    }

    // 45m, 12h, 30d, 2w, 1.5y
    private TimeSpan? HalfLife(string? given)
    {
        if (given is null)
        {
            return null;
        }

        var days = given.Length < 2 ? 0 : given[^1] switch { 'm' => 1.0 / (24 * 60), 'h' => 1.0 / 24, 'd' => 1, 'w' => 7, 'y' => 365.25, _ => 0 };
        if (days > 0 && double.TryParse(given.AsSpan(..^1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            && number * days is >= ShortestHalfLife and <= LongestHalfLife and var length)
        {
            return TimeSpan.FromDays(length);
        }

        Error("halfLife", "The value must be a number and one of m, h, d, w, y (minutes to years), such as 30d; from 1m to 100y.");
        return null;
    }

    private string? Language(string? given)
    {
        if (given is not null && !TextLanguages.All.Contains(given, StringComparer.Ordinal))
        {
            Error("language", $"'{Shorten(given)}' is not one of {string.Join(", ", TextLanguages.All)}.");
            return null;
        }

        return given;
    }

    private DateTimeOffset? Before(SearchRequest r)
    {
        if (r.Before <= r.After)
        {
            Error("before", "The value must be later than \"after\".");
        }

        return r.Before;
    }

    private Filter? ReadFilter(JsonElement? filter) =>
        filter is { ValueKind: not (JsonValueKind.Null or JsonValueKind.Undefined) } json ? new FilterParser(Error).Parse(json, "filter") : null;

    private T Choice<T>(string? value, string field, T standard) where T : struct, Enum
    {
        if (value is null)
        {
            return standard;
        }

        foreach (var choice in Enum.GetValues<T>())
        {
            if (string.Equals(WireName(choice), value, StringComparison.Ordinal))
            {
                return choice;
            }
        }

        Error(field, $"'{Shorten(value)}' is not one of {string.Join(", ", Enum.GetValues<T>().Select(WireName))}.");
        return standard;
    }

    private string? Name(string? value, string field)
    {
        if (value is null)
        {
            return null;
        }

        var name = TextSanitizer.Clean(value);
        if (string.IsNullOrWhiteSpace(name))
        {
            Error(field, "The value must not be empty.");
        }
        else if (name.Length > MemoryLimits.NameLength)
        {
            Error(field, $"The value has {name.Length} characters; at most {MemoryLimits.NameLength} are allowed.");
        }

        return name;
    }

    /// <param name="known">Null: any name will do.</param>
    private List<string> Names(IReadOnlyList<string>? values, string field, IReadOnlyList<string>? known = null)
    {
        if (values is { Count: > MaxNames })
        {
            Error(field, $"At most {MaxNames} values are allowed.");
            return [];
        }

        var names = new List<string>();
        for (var i = 0; i < values?.Count; i++)
        {
            var item = $"{field}[{i}]";
            // JSON may hold null where the type says it cannot.
            if (values[i] is not { } value)
            {
                Error(item, "The value must not be null.");
            }
            else if (known is not null && !known.Contains(value, StringComparer.Ordinal))
            {
                Error(item, $"'{Shorten(value)}' is not one of {string.Join(", ", known)}.");
            }
            else if (Name(value, item) is { } name)
            {
                names.Add(name);
            }
        }

        return names;
    }

    private void Error(string field, string message) => _errors[field] = _errors.TryGetValue(field, out var others) ? [.. others, message] : [message];

    private static string WireName<T>(T choice) where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(choice.ToString());

    private static string Shorten(string text) => text.Length <= 100 ? text : string.Concat(text.AsSpan(0, 100), "…");
}
