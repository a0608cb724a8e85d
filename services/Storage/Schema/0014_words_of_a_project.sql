-- The words of one project's memories: a word of every project would otherwise bring up the rows of all of them, to keep a few.
DROP INDEX memories_words;
CREATE INDEX memories_words ON memories USING gin (words, (ARRAY[project_id]));

-- How common a word is, is known of three times as many: of the others it is learned by looking, which takes as long as there are matches.
ALTER TABLE memories ALTER COLUMN words SET STATISTICS 300;
