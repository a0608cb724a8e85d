-- Several spaces at a time: who computes the vectors of each, how far it has been filled, why a memory has none; and the
-- questions by which two spaces are compared.

ALTER TABLE embedding_spaces
    ADD COLUMN provider     text NOT NULL DEFAULT 'builtin', -- who computes: builtin, ollama
    ADD COLUMN fill_cursor  uuid,                            -- memories up to this id have been queued for a space that was added later
    ADD COLUMN filled_at    timestamptz,                     -- every memory that was there when the space came has been through the queue
    ADD COLUMN activated_at timestamptz;                     -- when it last became the active one
ALTER TABLE embedding_spaces ALTER COLUMN provider DROP DEFAULT;
UPDATE embedding_spaces SET filled_at = created_at, activated_at = created_at;

-- A space on its way out takes no more writes, but those that have seen it must be able to end.
ALTER TABLE embedding_spaces DROP CONSTRAINT embedding_spaces_state_check;
ALTER TABLE embedding_spaces ADD CONSTRAINT embedding_spaces_state_check CHECK (state IN ('building', 'active', 'retired', 'dropping'));

-- Why the last attempt failed, as one of a closed list, beside the words for a reader in last_error.
ALTER TABLE embedding_queue ADD COLUMN reason text;
CREATE INDEX embedding_queue_failed ON embedding_queue (tenant_id, failed_at DESC, memory_id DESC) WHERE failed_at IS NOT NULL;

-- Questions that were really asked, a sample: what two spaces are compared by while nothing is pinned.
CREATE TABLE sampled_queries (
    tenant_id  text        NOT NULL DEFAULT 'default',
    query_hash bytea       NOT NULL,                   -- SHA-256 of query and scope: a question asked twice is one
    query      text        NOT NULL,
    scope      jsonb       NOT NULL DEFAULT '{}',      -- types, sources, projectId, repoId of the search
    asked_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, query_hash)
);
CREATE INDEX sampled_queries_age ON sampled_queries (tenant_id, asked_at);
