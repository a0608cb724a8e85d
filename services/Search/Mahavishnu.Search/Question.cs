namespace Mahavishnu.Search;

internal enum SearchMode
{
    Hybrid,
    Vector,
    Text,
}

internal enum Grouping
{
    None,
    File,
    Session,
}

/// <summary>Where the hits of a unified search may come from.</summary>
internal enum Origin
{
    Any,
    Memories,
    SessionBuddy,

    /// <summary>Shared with the project asked about by another one.</summary>
    Shared,
}

internal static class Origins
{
    /// <summary>The source of what was imported.</summary>
    public const string SessionBuddySource = "session_buddy";
}

/// <summary>A search request that has passed <see cref="SearchValidation"/>: text cleaned, defaults in place.</summary>
internal sealed record Question
{
    /// <summary>As it came. Null where <see cref="Like"/> is set.</summary>
    public string? Text
    {
        get;
        init => (field, Asked) = (value, value is null ? null : AskedText.Read(value));
    }

    /// <summary>As it was meant.</summary>
    public AskedText? Asked { get; private init; }

    public Guid? Like { get; init; }
    public SearchMode Mode { get; init; }
    public IReadOnlyList<string> Types { get; init; } = [];
    public IReadOnlyList<string> Sources { get; init; } = [];
    public string? ProjectId { get; init; }
    public string? RepoId { get; init; }
    public string? AgentId { get; init; }
    public string? WorkflowId { get; init; }
    public string? SessionId { get; init; }
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Included.</summary>
    public DateTimeOffset? After { get; init; }

    /// <summary>Not included.</summary>
    public DateTimeOffset? Before { get; init; }

    /// <summary>What was valid then; null: what is valid now.</summary>
    public DateTimeOffset? AsOf { get; init; }
    public bool IncludeSuperseded { get; init; }
    public Filter? Filter { get; init; }
    public int Limit { get; init; }
    public double? Threshold { get; init; }
    public Grouping GroupBy { get; init; }
    public bool Explain { get; init; }

    /// <summary>Asked by the service itself, to be ready: says nothing of what is asked.</summary>
    public bool Rehearsal { get; init; }

    /// <summary>A memory so old counts half; null: age does not count.</summary>
    public TimeSpan? HalfLife { get; init; }

    /// <summary>The text configuration the question is read in; null: those in use where it looks.</summary>
    public string? Language { get; init; }

    /// <summary>Which projects, and what each weighs, of a search across projects; null of any other.</summary>
    public ProjectScope? Across { get; init; }

    /// <summary>Null: the plain search, where a project's memories are those that bear its name.</summary>
    public Origin? Origin { get; init; }
}
