namespace Mahavishnu.Migration;

/// <summary>The tables of Session-Buddy's that are known and not imported; <c>docs/import.md</c> says the same at length.</summary>
internal static class SkippedTables
{
    private const string Cache = "a cache: made anew from what is imported";
    private const string Derived = "derived from the texts, which are imported";

    private static readonly Dictionary<string, (string Generation, string Reason)> Known = new(StringComparer.OrdinalIgnoreCase)
    {
        ["search_index"] = ("g1", Derived),
        ["search_facets"] = ("g1", Derived),
        ["code_graphs"] = ("g4", "stale after a day: ingest the repository instead"),
        ["query_cache_l2"] = ("g3", Cache),
        ["rewritten_queries"] = ("g3", Cache),
        ["content_fingerprints"] = ("g3", Derived),
        ["memory_subcategories"] = ("g3", Derived),
        ["category_evolution_snapshots"] = ("g3", Derived),
        ["archived_subcategories"] = ("g3", Derived),
        ["result_interactions"] = ("g3", "a log of clicks on search results that are not the same here"),
        ["usage_metrics_summary"] = ("g3", "figures about the program, not memories"),
        ["memory_entities"] = ("g5", Derived),
        ["memory_relationships"] = ("g5", Derived),
        ["memory_provenance"] = ("g5", "says how Session-Buddy came by a text; the source_type of the row itself is imported"),
        ["memory_promotions"] = ("g5", "a log of tiers; the tier that was reached is imported with its row"),
        ["memory_access_log"] = ("g5", "a log of look-ups; their count and the last one are imported with their row"),
        ["user_models"] = ("g5", "a summary that is derived from the texts"),
        ["session_windows"] = ("g5", "when a session was open, not what was said in it"),
        ["cross_repo_work_v2"] = ("g5", "working hours by repository, not memories"),
        ["schema_meta"] = ("g5", "the source's own housekeeping"),
        ["schema_migrations"] = ("g5", "the source's own housekeeping"),
        ["causal_error_events"] = ("g4", "errors of tools, without the memories they belong to"),
        ["causal_fix_attempts"] = ("g4", "attempts at errors of tools, without the memories they belong to"),
        ["causal_chains"] = ("g4", "joins errors of tools and attempts at them"),
        ["intelligence_learned_skills"] = ("g4", "figures of a learner, not texts"),
        ["intelligence_pattern_instances"] = ("g4", "figures of a learner, not texts"),
        ["intelligence_cross_project_patterns"] = ("g4", "figures of a learner, not texts"),
        ["intelligence_pattern_applications"] = ("g4", "figures of a learner, not texts"),
        ["session_metrics"] = ("", "figures about sessions (workflow_metrics.db), not memories"),
    };

    public static (string Generation, string Reason)? Reason(string table) => Known.TryGetValue(table, out var known) ? known : null;

    public static IEnumerable<string> Names => Known.Keys;
}
