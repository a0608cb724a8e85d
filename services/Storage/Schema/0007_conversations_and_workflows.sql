-- A conversation as a whole. Its row is locked by whoever adds turns, so that ordinals have no gaps and follow the order of the commits.
CREATE TABLE conversations (
    tenant_id    text        NOT NULL DEFAULT 'default',
    session_id   text        NOT NULL,
    id           uuid        NOT NULL,                 -- breaks ties in a list
    last_ordinal int         NOT NULL DEFAULT 0,
    first_at     timestamptz,                          -- when its first turn was said, and its last; deleted ones count
    last_at      timestamptz,
    deleted_at   timestamptz,                          -- when it was deleted as a whole: the memories of the turns that went with it bear the same time
    PRIMARY KEY (tenant_id, session_id)
);
CREATE INDEX conversations_recent ON conversations (tenant_id, last_at DESC, id DESC);

-- The name that the client gave the turn.
ALTER TABLE agent_conversations ADD COLUMN client_id text;

-- One turn a memory, also where a write is repeated because its answer was lost.
DROP INDEX agent_conversations_memory;
CREATE UNIQUE INDEX agent_conversations_memory ON agent_conversations (tenant_id, memory_id);

-- The same goal, whatever its case, spacing and punctuation. Hashed: a goal may be longer than an index entry.
ALTER TABLE workflow_executions ADD COLUMN goal_key text
    GENERATED ALWAYS AS (md5(lower(btrim(regexp_replace(goal, '[[:space:][:punct:]]+', ' ', 'g'))))) STORED;
CREATE INDEX workflow_executions_goal ON workflow_executions (tenant_id, goal_key);
CREATE INDEX workflow_executions_recent ON workflow_executions (tenant_id, created_at DESC, id DESC);
