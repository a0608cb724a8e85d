namespace Mahavishnu.Search;

/// <summary>What becomes of the arms' candidates: both scores for each, one list, the neighbours' share, the hits.</summary>
internal sealed partial class SearchStore
{
    private static string Ranking(SearchPlan plan, Scope scope, string? vector, Parameters p)
    {
        var (pool, distance, text) = plan switch
        {
            // A candidate of one arm is scored by the other too: a missing score says nothing, and would be read as a bad one.
            { Hybrid: true } => (
                "(SELECT id FROM by_vector UNION SELECT id FROM by_text) c LEFT JOIN by_vector v USING (id) LEFT JOIN by_text t USING (id)",
                $"coalesce(v.distance, (SELECT min(e.embedding {plan.Space!.Operator} {vector}) FROM {plan.Space.Table} e WHERE e.tenant_id = {scope.Tenant} AND e.memory_id = m.id))",
                $"coalesce(t.score, {TextScore(plan, scope, p)})"),
            { Words: true } => ("by_text c", "NULL::float8", "c.score"),
            _ => ("by_vector c", "c.distance", "NULL::float8"),
        };
        var similarity = plan.Space?.Similarity("s.distance") ?? "NULL::float8";
        return $"""
            scored AS MATERIALIZED (
                SELECT m.id, m.repo_id, m.session_id, m.occurred_at, m.metadata ->> 'path' AS path,
                       {Recency(plan, p)} AS recency, {scope.Weight} AS weight, {Line("start")} AS first_line, {Line("end")} AS last_line, {distance} AS distance, {text} AS text
                FROM {pool} JOIN memories m ON m.tenant_id = {scope.Tenant} AND m.id = c.id
                WHERE {scope.Found}),
            ranked AS MATERIALIZED (
                SELECT s.*, {similarity} AS similarity,
                       CASE WHEN s.distance IS NOT NULL THEN row_number() OVER (ORDER BY s.distance, s.id) END AS vector_rank,
                       CASE WHEN s.text > 0 THEN row_number() OVER (ORDER BY s.text DESC, s.id) END AS text_rank
                FROM scored s),
            fused AS MATERIALIZED (
                SELECT r.*, ({Fused(plan, p)})::float8 AS fused FROM ranked r),
            {Neighbours(plan, scope, p)}
            lifted AS (
                SELECT f.*, {(plan.Hybrid ? "coalesce(l.best, 0)" : "0::float8")} AS neighbour FROM fused f{(plan.Hybrid ? " LEFT JOIN lent l ON l.id = f.id" : "")}),
            hits AS (
                SELECT h.*, {Score("h")} AS score
                FROM (SELECT l.*, {Nth(plan)} AS nth FROM lifted l) h
                WHERE {Kept(plan, p)}
                ORDER BY score DESC, h.id LIMIT {p.Int(plan.Question.Limit)})
            SELECT {(vector is null ? "0" : "(SELECT count(*)::int FROM nearest)")},
                   {(plan.Words ? "(SELECT coalesce(bool_or(NOT leads), false) FROM planned), (SELECT count(*)::int FROM by_text)" : "false, 0")},
                   {Behind(plan, p)},
                   h.id, m.memory_type, m.source_system, m.title, m.content, m.tags,
                   m.project_id, m.agent_id, m.workflow_id, m.repo_id, m.session_id, m.metadata, m.occurred_at,
                   h.score, h.similarity, h.vector_rank, h.text_rank, h.text, h.neighbour, h.fused, h.recency, {Words(plan)}
            FROM (SELECT) always LEFT JOIN (hits h JOIN memories m ON m.tenant_id = {scope.Tenant} AND m.id = h.id) ON true
            ORDER BY h.score DESC, h.id
            """;
    }

    /// <summary>A half for each half-life since it happened; what is yet to come is not younger than now. After 900 of them nothing is left to be told apart, and less than a double can hold is an error.</summary>
    private static string Recency(SearchPlan plan, Parameters p) => plan.Question.HalfLife is { } half
        ? $"power(0.5::float8, least(greatest(extract(epoch FROM now() - m.occurred_at)::float8, 0) / {p.Double(half.TotalSeconds)}, 900))"
        : "NULL::float8";

    // A negative score (opposite vectors) would rise by being made smaller.
    private static string Score(string row) => $"({row}.fused + {row}.neighbour) * CASE WHEN {row}.fused + {row}.neighbour > 0 THEN coalesce({row}.recency, 1) * {row}.weight ELSE 1 END";

    /// <summary>What each of the question's words brought a hit, as JSON; only for who wants to know.</summary>
    private static string Words(SearchPlan plan) => plan is not { Words: true, Question.Explain: true } ? "NULL::text" : $"""
        (SELECT jsonb_agg(jsonb_build_object('word', w.lexeme, 'weight', w.idf, 'score', {WordScore("m.words")}) ORDER BY w.idf DESC, w.lexeme)
         FROM weighed w WHERE m.words @@ w.query)::text
        """;

    // Anybody may write metadata that look like a place in a file, and put "nine" where a number is expected.
    private static string Line(string end) => $$"""CASE jsonb_typeof(m.metadata #> '{lines,{{end}}}') WHEN 'number' THEN (m.metadata #> '{lines,{{end}}}')::numeric END""";

    private static string Fused(SearchPlan plan, Parameters p)
    {
        if (!plan.Hybrid)
        {
            return plan.Vector is null ? "r.text" : "r.similarity";
        }

        if (plan.Tuning.Fusion == FusionKind.Rrf)
        {
            var k = p.Int(plan.Tuning.RankConstant);
            return $"coalesce(1.0 / ({k} + r.vector_rank), 0) + coalesce(1.0 / ({k} + r.text_rank), 0)";
        }

        // A z-score, counted from the worst candidate instead of from the mean: the same order, and never negative. Where all are equal, as one alone is,
        // there is no worst: each is one deviation above nothing. A memory that has no vector yet stands where the average one does.
        var weight = p.Double(plan.Tuning.VectorWeight);
        return $"""
            {weight} * coalesce((coalesce(r.similarity, avg(r.similarity) OVER ()) - min(r.similarity) OVER ()) / nullif(stddev_pop(r.similarity) OVER (), 0), (avg(r.similarity) OVER () > 0)::int, 0)
            + (1 - {weight}) * coalesce((r.text - min(r.text) OVER ()) / nullif(stddev_pop(r.text) OVER (), 0), (r.text > 0)::int)
            """;
    }

    /// <summary>
    /// Chunks of a file that follow each other, and turns of a session with none between them, lend a share of their score: what is said is understood
    /// through what is said before and after. Only among the candidates: a neighbour that neither arm found has little to lend.
    /// </summary>
    private static string Neighbours(SearchPlan plan, Scope scope, Parameters p) => !plan.Hybrid ? "" : $"""
        pairs AS (
            SELECT id AS a, lead(id) OVER file AS b, lead(first_line) OVER file <= last_line + 3 AS touch, {p.Double(plan.Tuning.FileNeighbourShare)} AS share
            FROM fused WHERE path IS NOT NULL AND last_line IS NOT NULL
            WINDOW file AS (PARTITION BY repo_id, path ORDER BY first_line, last_line, id)
            UNION ALL
            SELECT a, b, NOT EXISTS (
                SELECT FROM memories m WHERE m.tenant_id = {scope.Tenant} AND m.session_id = t.session_id
                    AND m.occurred_at > t.occurred_at AND m.occurred_at < t.next_at AND {Visible}), {p.Double(plan.Tuning.NeighbourShare)}
            FROM (
                SELECT id AS a, lead(id) OVER talk AS b, session_id, occurred_at, lead(occurred_at) OVER talk AS next_at
                FROM fused WHERE session_id IS NOT NULL AND path IS NULL
                WINDOW talk AS (PARTITION BY session_id ORDER BY occurred_at, id)) t
            WHERE b IS NOT NULL),
        lent AS (
            SELECT n.id, max(n.share * f.fused) AS best
            FROM (SELECT a AS id, b AS other, share FROM pairs WHERE touch UNION ALL SELECT b, a, share FROM pairs WHERE touch) n JOIN fused f ON f.id = n.other
            GROUP BY n.id),
        """;

    /// <summary>The place of each candidate among those of its file or session; one that belongs to none stands alone.</summary>
    private static string Nth(SearchPlan plan)
    {
        var order = $"ORDER BY {Score("l")} DESC, l.id";
        return plan.Question.GroupBy switch
        {
            Grouping.File => $"row_number() OVER (PARTITION BY l.repo_id, l.path, CASE WHEN l.path IS NULL THEN l.id END {order})",
            Grouping.Session => $"row_number() OVER (PARTITION BY l.session_id, CASE WHEN l.session_id IS NULL THEN l.id END {order})",
            _ => "1",
        };
    }

    /// <summary>Whether all that lies behind the nearest vectors is too far away for who has set a threshold.</summary>
    private static string Behind(SearchPlan plan, Parameters p) => plan is { Vector: not null, Question: { Threshold: { } least, GroupBy: Grouping.None } }
        ? $"(SELECT coalesce({plan.Space!.Similarity("max(n.distance)")} < {p.Double(least)}, false) FROM nearest n)"
        : "false";

    private static string Kept(SearchPlan plan, Parameters p)
    {
        // Without the question's vector there is nothing to compare with; that it was missing is said in "degraded".
        return plan.Question.Threshold is { } least && plan.Vector is not null ? $"h.nth = 1 AND h.similarity >= {p.Double(least)}" : "h.nth = 1";
    }
}
