-- Words of scripts that put no spaces between them, and what filters on metadata and quoted words look into.

-- Chinese, Japanese, Thai, Lao, Khmer and Burmese have no spaces between words, and Korean words take their particles along. A run of such
-- letters becomes its overlapping pairs, and the last letter alone, so that every letter begins a lexeme: 日本語 -> 日本 本語 語.
-- Without positions: what has to stand together is compared with the text itself. One pass over the letters, however many there are, and the
-- cast refuses what a tsvector cannot hold.
CREATE FUNCTION mahavishnu_letter_pairs(body text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT coalesce(string_agg(DISTINCT letter || CASE WHEN next <> ' ' THEN next ELSE '' END, ' '), '')::tsvector
    FROM (
        SELECT letter, lead(letter, 1, ' ') OVER (ORDER BY place) AS next
        FROM unnest(string_to_array(regexp_replace(body, '[^\u0E00-\u0EFF\u1000-\u109F\u1100-\u11FF\u1780-\u17FF\u3005-\u3007\u3031-\u3035\u3040-\u30FF\u3130-\u318F\u31F0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uA960-\uA97F\uAC00-\uD7FF\uF900-\uFAFF\uFF66-\uFFDC\U00020000-\U0003FFFF]+', ' ', 'g'), NULL))
            WITH ORDINALITY AS l(letter, place)) l
    WHERE letter <> ' '
$$;

-- As before for every text that has none of these letters; the first question, which ASCII answers, costs nothing that could be measured.
-- (A function around the other one would cost a third.)
CREATE OR REPLACE FUNCTION mahavishnu_words(lang regconfig, body text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT CASE WHEN octet_length(body) = length(body) OR body !~ '[\u0E00-\u0EFF\u1000-\u109F\u1100-\u11FF\u1780-\u17FF\u3005-\u3007\u3031-\u3035\u3040-\u30FF\u3130-\u318F\u31F0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uA960-\uA97F\uAC00-\uD7FF\uF900-\uFAFF\uFF66-\uFFDC\U00020000-\U0003FFFF]' THEN
        pg_catalog.to_tsvector(lang,
            regexp_replace(translate(body, '<>&', '   '), '([a-z0-9](?=[A-Z])|[A-Z](?=[A-Z][a-z])|[./\\](?=[A-Za-z_]))', '\1 ', 'g')
            || ' ' ||
            array_to_string(ARRAY(
                SELECT replace(name[1], '_', '')
                FROM regexp_matches(body, '([A-Za-z0-9]+(?:_[A-Za-z0-9_]+|[a-z0-9][A-Z][A-Za-z0-9]*|[A-Z][a-z][A-Za-z0-9]*))', 'g') AS name), ' '))
    ELSE
        public.mahavishnu_words(lang, regexp_replace(body, '[\u0E00-\u0EFF\u1000-\u109F\u1100-\u11FF\u1780-\u17FF\u3005-\u3007\u3031-\u3035\u3040-\u30FF\u3130-\u318F\u31F0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uA960-\uA97F\uAC00-\uD7FF\uF900-\uFAFF\uFF66-\uFFDC\U00020000-\U0003FFFF]+', ' ', 'g')) || public.mahavishnu_letter_pairs(body)
    END
$$;

-- A query for what has every word of a text; NULL where the text has none (but stop words). The last letter of a run says nothing beside its
-- pairs, and alone it stands for every pair that it begins.
CREATE FUNCTION mahavishnu_all_words(lang regconfig, body text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT string_agg(quoted || CASE WHEN single THEN ':*' ELSE '' END, ' & ')::tsquery
    FROM (
        SELECT '''' || replace(replace(w.lexeme, '\', '\\'), '''', '''''') || '''' AS quoted,
               w.lexeme ~ '^[\u0E00-\u0EFF\u1000-\u109F\u1100-\u11FF\u1780-\u17FF\u3005-\u3007\u3031-\u3035\u3040-\u30FF\u3130-\u318F\u31F0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uA960-\uA97F\uAC00-\uD7FF\uF900-\uFAFF\uFF66-\uFFDC\U00020000-\U0003FFFF]$' AS single,
               count(*) OVER () AS words
        FROM unnest(tsvector_to_array(public.mahavishnu_words(lang, body))) AS w(lexeme)) w
    WHERE words = 1 OR NOT single
$$;

-- Those that are there already: their words are computed anew. Nothing else changes.
UPDATE memories SET content = content
WHERE octet_length(content) + coalesce(octet_length(title), 0) > length(content) + coalesce(length(title), 0)
    AND concat_ws(' ', title, content) ~ '[\u0E00-\u0EFF\u1000-\u109F\u1100-\u11FF\u1780-\u17FF\u3005-\u3007\u3031-\u3035\u3040-\u30FF\u3130-\u318F\u31F0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uA960-\uA97F\uAC00-\uD7FF\uF900-\uFAFF\uFF66-\uFFDC\U00020000-\U0003FFFF]';

-- eq and in of a filter on metadata, and contains of a number or truth value, are asked as "@>". Written metadata cost no more for it than can be told from noise.
CREATE INDEX memories_metadata ON memories USING gin (metadata jsonb_path_ops);
