namespace Mahavishnu.Search;

/// <summary>The text arm: which memories the question's words bring up, and what they are worth.</summary>
internal sealed partial class SearchStore
{
    // Of a long question, the rarest words: a pasted log has hundreds, and each is a look into the index.
    private const int MostWords = 32;

    // Where no word leads to a row (stop words alone, signs) the newest so many are read instead, more of them where the others are not enough.
    private const int ReadRows = 2_000;
    private const int ReadRowsExactly = 20_000;

    // A longer question than this stands nowhere as it is.
    private const int LongestRead = 200;

    /// <summary>
    /// The question's lexemes joined by OR, each weighed by its rarity. The rarest lead: they bring candidates, as many as <c>ScannedMatches</c> allows, and those
    /// that match most weight are ranked in full. Where that is too few, the newest rows with any of the other lexemes are added. So a word in every second
    /// memory costs no more than a rare one; it still counts wherever it stands.
    /// </summary>
    private static string TextArm(SearchPlan plan, Scope scope, Parameters p)
    {
        var (tuning, frequencies) = (plan.Tuning, plan.Frequencies);
        var rows = p.Double(Math.Max(1, frequencies.Rows));
        var scanned = p.Int(plan.Exact ? int.MaxValue : tuning.ScannedMatches);
        var ranked = p.Int(tuning.RankedMatches);
        var candidates = p.Int(tuning.Candidates);
        return $"""
            planned AS MATERIALIZED (
                SELECT q.lexeme, q.quoted::tsquery AS query, q.quoted, q.frequency, q.share,
                       sum(coalesce(q.frequency, 0)) OVER (ORDER BY coalesce(q.frequency, 0), length(q.lexeme) DESC, q.lexeme) * {rows} <= {scanned} AS leads
                FROM (
                    SELECT l.lexeme, l.quoted, l.share, coalesce(l.known, f.frequency) AS frequency
                    FROM ({Lexemes(plan, scope, p)}) l
                    LEFT JOIN unnest({p.Texts(frequencies.Words)}, {p.Floats(frequencies.Frequencies)}) AS f(lexeme, frequency) ON f.lexeme = l.lexeme
                    ORDER BY coalesce(l.known, f.frequency, 0), length(l.lexeme) DESC, l.lexeme LIMIT {MostWords}) q),
            found AS MATERIALIZED (
                SELECT q.lexeme, c.ids, c.times
                FROM planned q CROSS JOIN LATERAL (
                    SELECT array_agg(m.id) AS ids, array_agg(m.created_at) AS times
                    FROM ({scope.Each(branch => $"SELECT m.id, m.created_at FROM memories m WHERE m.words @@ q.query AND {branch.Words} LIMIT {scanned}")}) m) c
                WHERE q.leads AND c.ids IS NOT NULL),
            weighed AS MATERIALIZED (
                SELECT q.lexeme, q.query, q.share * ln(1 + greatest({rows} - w.rows, 0.5) / (w.rows + 0.5)) AS idf
                FROM planned q LEFT JOIN found f USING (lexeme)
                CROSS JOIN LATERAL (SELECT coalesce(q.frequency * {rows}, cardinality(f.ids), 0)::float8 AS rows) w),
            brought AS MATERIALIZED (
                SELECT m.id, sum(w.idf) AS idf, max(m.time) AS time
                FROM found f JOIN weighed w USING (lexeme) CROSS JOIN LATERAL unnest(f.ids, f.times) AS m(id, time)
                GROUP BY m.id),
            newest AS MATERIALIZED (
                SELECT n.id, n.created_at AS time
                FROM ({scope.Newest("m.id, m.created_at, m.words", scanned)}) n
                WHERE (SELECT count(*) FROM (SELECT FROM brought LIMIT {candidates}) b) < {candidates}
                    AND n.words @@ (SELECT string_agg(q.quoted, ' | ')::tsquery FROM planned q WHERE NOT q.leads)
                    AND n.id NOT IN (SELECT b.id FROM brought b)
                LIMIT {ranked}),
            {Read(plan, scope, ranked, p)}
            chosen AS MATERIALIZED (
                SELECT a.id FROM (
                    SELECT b.id, b.idf, b.time FROM brought b
                    UNION ALL SELECT n.id, 0, n.time FROM newest n{(ReadsTexts(plan) ? " UNION ALL SELECT r.id, 0, r.time FROM read r" : "")}) a
                ORDER BY a.idf DESC, a.time DESC, a.id LIMIT {ranked}),
            by_text AS MATERIALIZED (
                SELECT m.id, {TextScore(plan, scope, p)} AS score
                FROM chosen c JOIN memories m ON m.tenant_id = {scope.Tenant} AND m.id = c.id
                ORDER BY score DESC, m.id LIMIT {candidates})
            """;
    }

    /// <summary>What the question's words become in each language that is asked in, and what a short one may be the beginning of.</summary>
    private static string Lexemes(SearchPlan plan, Scope scope, Parameters p)
    {
        const string Quoted = """'''' || replace(replace(w.lexeme, '\', '\\'), '''', '''''') || ''''""";
        var words = plan.Question.Like is { } like
            ? $"SELECT w.lexeme FROM memories l, unnest(tsvector_to_array(l.words)) AS w(lexeme) WHERE l.tenant_id = {scope.Tenant} AND l.id = {p.Id(like)}"
            : $"SELECT DISTINCT w.lexeme FROM unnest({p.Texts(plan.Languages)}) AS g(lang), unnest(tsvector_to_array(mahavishnu_words(g.lang::regconfig, {p.Text(plan.Question.Asked!.Words)}))) AS w(lexeme)";
        var lexemes = $"SELECT w.lexeme, {Quoted} AS quoted, 1.0 AS share, NULL::real AS known FROM ({words}) w";
        if (plan.Question.Asked?.Prefix is not { } prefix)
        {
            return lexemes;
        }

        // Half: whoever writes the whole word finds that first.
        var known = (float)plan.Frequencies.Words.Zip(plan.Frequencies.Frequencies).Where(f => f.First.StartsWith(prefix, StringComparison.Ordinal)).Sum(f => (double)f.Second);
        // A beginning of half of all words would be looked up in all their rows before any limit is heard.
        return known * plan.Frequencies.Rows > plan.Tuning.ScannedMatches
            ? lexemes
            : $"{lexemes} UNION ALL SELECT {p.Text(prefix + "…")}, '''' || {p.Text(prefix)} || ''':*', 0.5, {p.Double(known)}::real";
    }

    private static bool ReadsTexts(SearchPlan plan) => plan.Question.Asked is { Words.Length: > 0 and <= LongestRead };

    /// <summary>"to be or not to be", "->": without a lexeme that leads anywhere there is only the text itself to look at.</summary>
    private static string Read(SearchPlan plan, Scope scope, string ranked, Parameters p) => !ReadsTexts(plan) ? "" : $"""
        read AS MATERIALIZED (
            SELECT m.id, m.created_at AS time
            FROM ({scope.Newest("m.id, m.created_at, m.title, m.content", p.Int(plan.Exact ? ReadRowsExactly : ReadRows), NothingFound)}) m
            WHERE {Stands(plan, scope, p)}
            LIMIT {ranked}),
        """;

    private const string NothingFound = "NOT EXISTS (SELECT FROM found) AND NOT EXISTS (SELECT FROM newest)";

    // Whoever quotes says what has to stand there.
    private static string Stands(SearchPlan plan, Scope scope, Parameters p) => scope.Late ?? Says(plan.Question.Asked!.Words, p);

    /// <summary>
    /// The sum of each lexeme's weight times its rank in the row <c>m</c>. What the question calls by its name (a path, a symbol) has every weight once more, and with it
    /// the lead over whatever only speaks of it.
    /// </summary>
    private static string TextScore(SearchPlan plan, Scope scope, Parameters p)
    {
        var named = plan.Question.Asked is { Names.Count: > 0 } asked ? $" + CASE WHEN {Named(asked, p)} THEN {Lead} ELSE 0 END" : "";
        var read = ReadsTexts(plan) ? $" + CASE WHEN {NothingFound} AND {Stands(plan, scope, p)} THEN 1 ELSE 0 END" : "";
        // The words of a longer text lie compressed, and every function that is given them unpacks them anew: "||" does it once for all lexemes.
        return $"((SELECT coalesce(sum({WordScore("d.words")}), 0) FROM (SELECT m.words || ''::tsvector AS words OFFSET 0) d CROSS JOIN weighed w){named}{read})";
    }

    /// <summary>
    /// What one word is worth to a text. A longer text has more words by chance: its worth is less by the number of different ones, and the number of words that a text may have
    /// before that counts does not depend on what else is in the store. What is no longer than a sentence or two is not short by being shorter still.
    /// </summary>
    private static string WordScore(string words) => $"w.idf * ts_rank({words}, w.query) * ({Pivot + FewWords}.0 / ({Pivot} + greatest({FewWords}, length({words}))))";

    // Found by trying (ADR 0020): a turn has 6 different words and hardly ever more than 14, a function 30 to 40. Pivots from 50 to 100 do about as well.
    private const int Pivot = 60;
    private const int FewWords = 14;

    private const string Lead = "(SELECT coalesce(sum(w.idf), 0) FROM weighed w)";

    // src/Storage/SqlText.cs is what SqlText.cs and Storage/SqlText.cs name; Parser.Read is what Read and Parser.Read name, and
    // FindByNumber is what find_by_number names.
    private static string Named(AskedText asked, Parameters p) => $"""
        (m.repo_id IS NOT NULL AND EXISTS (
            SELECT FROM (SELECT u.name, replace(u.name, '_', '') AS folded FROM unnest({p.Texts(asked.Names)}) AS u(name)) n
            WHERE right('/' || lower(m.metadata ->> 'path'), length(n.name) + 1) = '/' || n.name
                OR right('.' || replace(lower(m.metadata ->> 'symbol'), '_', ''), length(n.folded) + 1) = '.' || n.folded
                OR EXISTS (
                    SELECT FROM jsonb_array_elements_text(CASE jsonb_typeof(m.metadata -> 'symbols') WHEN 'array' THEN m.metadata -> 'symbols' END) AS s(name)
                    WHERE right('.' || replace(lower(s.name), '_', ''), length(n.folded) + 1) = '.' || n.folded)))
        """;
}
