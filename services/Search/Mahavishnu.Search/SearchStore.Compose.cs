using Npgsql;

namespace Mahavishnu.Search;

/// <summary>How the statement is put together: the two arms, each with its candidates.</summary>
internal sealed partial class SearchStore
{
    // Of a long question, the rarest words: a pasted log has hundreds, and each is a look into the index.
    private const int MostWords = 32;

    // A memory may have several parts among the nearest, and a relaxed scan wants more rows to sort than it is asked for. Less than
    // what the scan keeps in view anyway is not cheaper.
    private static int Fetch(SearchPlan plan) => Math.Max(plan.Tuning.EfSearch, plan.Tuning.Candidates * 3 / 2);

    internal NpgsqlBatchCommand Compose(SearchPlan plan)
    {
        var command = new NpgsqlBatchCommand();
        var p = new Parameters(command.Parameters);
        var scope = new Scope(plan.Question, p, tenant.Current);
        var vector = plan.Vector is { } v ? p.Vector(v) : null;
        var arms = new List<string>();
        if (plan.Words)
        {
            arms.Add(TextArm(plan, scope, p));
        }

        if (vector is not null)
        {
            arms.Add(VectorArm(plan, scope, vector, p));
        }

        command.CommandText = $"WITH {string.Join(",\n", arms)},\n{Ranking(plan, scope, vector, p)}";
        return command;
    }

    /// <summary>
    /// The question's lexemes joined by OR, each weighed by its rarity. The rarest lead: they bring candidates, as many as <c>ScannedMatches</c> allows, and those
    /// that match most weight are ranked in full. Where that is too few, the newest rows with any of the other lexemes are added. So a word in every second
    /// memory costs no more than a rare one; it still counts wherever it stands.
    /// </summary>
    private static string TextArm(SearchPlan plan, Scope scope, Parameters p)
    {
        var (tuning, frequencies) = (plan.Tuning, plan.Frequencies);
        var source = plan.Question.Like is { } like
            ? $"(SELECT l.words FROM memories l WHERE l.tenant_id = {scope.Tenant} AND l.id = {p.Id(like)})"
            : $"mahavishnu_words('english', {p.Text(plan.Question.Text!)})";
        var rows = p.Double(Math.Max(1, frequencies.Rows));
        var scanned = p.Int(plan.Exact ? int.MaxValue : tuning.ScannedMatches);
        var ranked = p.Int(tuning.RankedMatches);
        return $"""
            planned AS MATERIALIZED (
                SELECT q.lexeme, q.quoted::tsquery AS query, q.quoted, q.frequency,
                       sum(coalesce(q.frequency, 0)) OVER (ORDER BY coalesce(q.frequency, 0), length(q.lexeme) DESC, q.lexeme) * {rows} <= {scanned} AS leads
                FROM (
                    SELECT l.lexeme, '''' || replace(replace(l.lexeme, '\', '\\'), '''', '''''') || '''' AS quoted, f.frequency
                    FROM unnest(tsvector_to_array({source})) AS l(lexeme)
                    LEFT JOIN unnest({p.Texts(frequencies.Words)}, {p.Floats(frequencies.Frequencies)}) AS f(lexeme, frequency) ON f.lexeme = l.lexeme
                    ORDER BY coalesce(f.frequency, 0), length(l.lexeme) DESC, l.lexeme LIMIT {MostWords}) q),
            found AS MATERIALIZED (
                SELECT q.lexeme, c.id, c.created_at
                FROM planned q CROSS JOIN LATERAL (
                    SELECT m.id, m.created_at FROM memories m WHERE m.words @@ q.query AND {scope.Memories} LIMIT {scanned}) c
                WHERE q.leads),
            newest AS MATERIALIZED (
                SELECT n.id, n.created_at
                FROM (SELECT m.id, m.created_at, m.words FROM memories m WHERE {scope.Memories} ORDER BY m.created_at DESC LIMIT {scanned}) n
                WHERE (SELECT count(*) FROM (SELECT f.id FROM found f GROUP BY f.id LIMIT {p.Int(tuning.Candidates)}) f) < {p.Int(tuning.Candidates)}
                    AND n.words @@ (SELECT string_agg(q.quoted, ' | ')::tsquery FROM planned q WHERE NOT q.leads)
                LIMIT {ranked}),
            weighed AS MATERIALIZED (
                SELECT q.lexeme, q.query, ln(1 + greatest({rows} - w.rows, 0.5) / (w.rows + 0.5)) AS idf
                FROM planned q LEFT JOIN (SELECT f.lexeme, count(*) AS rows FROM found f GROUP BY f.lexeme) f USING (lexeme)
                CROSS JOIN LATERAL (SELECT coalesce(q.frequency * {rows}, f.rows, 0)::float8 AS rows) w),
            chosen AS MATERIALIZED (
                SELECT a.id FROM (
                    SELECT f.id, w.idf, f.created_at FROM found f JOIN weighed w USING (lexeme)
                    UNION ALL SELECT n.id, 0, n.created_at FROM newest n) a
                GROUP BY a.id ORDER BY sum(a.idf) DESC, max(a.created_at) DESC, a.id LIMIT {ranked}),
            by_text AS MATERIALIZED (
                SELECT m.id, {TextScore} AS score
                FROM chosen c JOIN memories m ON m.tenant_id = {scope.Tenant} AND m.id = c.id
                ORDER BY score DESC, m.id LIMIT {p.Int(tuning.Candidates)})
            """;
    }

    // The words of a longer text lie compressed, and every function that is given them unpacks them anew: "||" does it once for all lexemes.
    private const string TextScore = """
        (SELECT coalesce(sum(w.idf * ts_rank(d.words, w.query)), 0) FROM (SELECT m.words || ''::tsvector AS words OFFSET 0) d CROSS JOIN weighed w)
        """;

    /// <summary>
    /// The nearest vectors, and of each memory its nearest part. ORDER BY is the bare operator, or the index is not used; the index's order is approximate
    /// (relaxed), hence the sort afterwards. Memories that are no longer there are sorted out later, unless memories must be asked anyway.
    /// </summary>
    private static string VectorArm(SearchPlan plan, Scope scope, string vector, Parameters p)
    {
        var space = plan.Space!;
        var distance = $"e.embedding {space.Operator} {vector}";
        var (join, where) = scope.VectorsSayAll
            ? ("", scope.Vectors)
            : ($" JOIN memories m ON m.tenant_id = e.tenant_id AND m.id = e.memory_id", $"{scope.Vectors} AND {scope.Memories}");
        return $"""
            nearest AS MATERIALIZED (
                SELECT e.memory_id AS id, {distance} AS distance FROM {space.Table} e{join}
                WHERE {where}
                ORDER BY {(plan.Exact ? $"({distance}) + 0" : distance)} LIMIT {p.Int(Fetch(plan))}),
            by_vector AS MATERIALIZED (
                SELECT id, min(distance) AS distance FROM nearest GROUP BY id ORDER BY min(distance), id LIMIT {p.Int(plan.Tuning.Candidates)})
            """;
    }
}
