using Mahavishnu.Contracts;

namespace Mahavishnu.Search;

/// <summary>What each reason weighs.</summary>
/// <param name="Kinds">Of dependency.</param>
/// <param name="OtherKind">Of any dependency that is not among them.</param>
/// <param name="HopShare">What is left with every dependency after the first.</param>
internal sealed record ScopeWeights(IReadOnlyDictionary<string, double> Kinds, double OtherKind, double HopShare, double Group, double Shared)
{
    public double Of(string kind) => Kinds.GetValueOrDefault(kind, OtherKind);
}

/// <summary>What is known around a project.</summary>
/// <param name="Dependencies">All with an end in reach; others do no harm.</param>
/// <param name="Members">Of the groups that the project is in.</param>
/// <param name="Shares">Standing ones with the project (group null) and with its groups.</param>
internal sealed record ScopeFacts(
    IReadOnlyList<(string Source, string Target, string Kind)> Dependencies, IReadOnlyList<(string Group, string Project)> Members, IReadOnlyList<(Guid Memory, string? Group)> Shares);

/// <summary>What a project finds across projects: which projects' memories, which others, and the strongest reason for each.</summary>
internal sealed class ProjectScope
{
    private readonly Dictionary<string, HitScope> _projects = new(StringComparer.Ordinal);
    private readonly Dictionary<Guid, HitScope> _shared = [];

    private ProjectScope(double sharedWeight) => SharedWeight = sharedWeight;

    public IReadOnlyDictionary<string, HitScope> Projects => _projects;

    /// <summary>Memories, whichever project they are of.</summary>
    public IReadOnlyDictionary<Guid, HitScope> Shared => _shared;

    public double SharedWeight { get; }

    /// <param name="reasons">Those that count.</param>
    public static ProjectScope Resolve(string own, int hops, IReadOnlyCollection<string> reasons, ScopeFacts facts, ScopeWeights weights)
    {
        var scope = new ProjectScope(weights.Shared);
        if (reasons.Contains(ScopeReasons.Project, StringComparer.Ordinal))
        {
            scope._projects[own] = new HitScope(ScopeReasons.Project, null, 0, 1);
        }

        if (reasons.Contains(ScopeReasons.Dependency, StringComparer.Ordinal))
        {
            scope.Follow(own, hops, facts.Dependencies, weights);
        }

        if (reasons.Contains(ScopeReasons.Group, StringComparer.Ordinal))
        {
            foreach (var (group, project) in facts.Members.Where(m => m.Project != own))
            {
                Offer(scope._projects, project, new HitScope(ScopeReasons.Group, group, 1, weights.Group));
            }
        }

        if (reasons.Contains(ScopeReasons.Shared, StringComparer.Ordinal))
        {
            foreach (var (memory, group) in facts.Shares)
            {
                Offer(scope._shared, memory, new HitScope(ScopeReasons.Shared, group, 1, weights.Shared));
            }
        }

        return scope;
    }

    /// <summary>Why a memory that was found may be found.</summary>
    public HitScope Of(Guid memory, string? projectId)
    {
        var byProject = projectId is null ? null : _projects.GetValueOrDefault(projectId);
        return _shared.GetValueOrDefault(memory) is { } shared && (byProject is null || IsStronger(shared, byProject)) ? shared
            : byProject ?? throw new InvalidOperationException($"Memory {memory} of project '{projectId}' is in no scope of the search that found it.");
    }

    /// <summary>Hop by hop, of each project only the strongest way there: a weight is a product, so no stronger way begins with a weaker one. That ends a circle, too.</summary>
    private void Follow(string own, int hops, IReadOnlyList<(string Source, string Target, string Kind)> dependencies, ScopeWeights weights)
    {
        var ends = new Dictionary<string, HitScope>(StringComparer.Ordinal) { [own] = new(ScopeReasons.Dependency, null, 0, 1) };
        for (var hop = 1; hop <= hops; hop++)
        {
            var next = new Dictionary<string, HitScope>(StringComparer.Ordinal);
            foreach (var (source, target, kind) in dependencies.Where(d => d.Source != d.Target))
            {
                Step(source, target);
                Step(target, source);

                void Step(string from, string to)
                {
                    if (ends.TryGetValue(from, out var so) && to != own)
                    {
                        var via = $"{source} {kind} {target}";
                        Offer(next, to, new HitScope(
                            ScopeReasons.Dependency, so.Via is null ? via : $"{so.Via}, {via}", hop, so.Weight * weights.Of(kind) * (hop == 1 ? 1 : weights.HopShare)));
                    }
                }
            }

            foreach (var (project, way) in next)
            {
                Offer(_projects, project, way);
            }

            ends = next;
        }
    }

    private static void Offer<TKey>(Dictionary<TKey, HitScope> known, TKey key, HitScope reason) where TKey : notnull
    {
        if (!known.TryGetValue(key, out var other) || IsStronger(reason, other))
        {
            known[key] = reason;
        }
    }

    // Of equal weight: own, dependency, group, shared; then the nearer; then one that is the same every time.
    private static bool IsStronger(HitScope a, HitScope b) => (b.Weight.CompareTo(a.Weight), Place(a).CompareTo(Place(b)), a.Distance.CompareTo(b.Distance)) switch
    {
        (var weight and not 0, _, _) => weight < 0,
        (_, var place and not 0, _) => place < 0,
        (_, _, var distance and not 0) => distance < 0,
        _ => string.CompareOrdinal(a.Via, b.Via) < 0,
    };

    private static int Place(HitScope scope) => ScopeReasons.All.Index().First(r => r.Item == scope.Reason).Index;
}
