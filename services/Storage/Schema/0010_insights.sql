-- Insights: which were met already, in whatever spelling; which messages wait to be looked through; how much each is used.

CREATE TABLE insight_keys (
    tenant_id  text        NOT NULL DEFAULT 'default',
    key        bytea       NOT NULL,                   -- SHA-256 of the project and the text without case, punctuation and spacing
    memory_id  uuid,                                   -- NULL: it was erased, and shall not come back by itself
    message_id uuid,                                   -- the memory of the turn it was made from; NULL: written by somebody
    session_id text,
    found_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, key)
);
CREATE INDEX insight_keys_session ON insight_keys (tenant_id, session_id) WHERE message_id IS NOT NULL;
CREATE INDEX insight_keys_message ON insight_keys (tenant_id, message_id) WHERE message_id IS NOT NULL;
CREATE INDEX insight_keys_memory  ON insight_keys (tenant_id, memory_id)  WHERE memory_id IS NOT NULL;

-- One row for the turns of one write: storing them and asking for their insights is one commit.
CREATE TABLE insight_queue (
    tenant_id   text        NOT NULL DEFAULT 'default',
    id          uuid        NOT NULL,
    session_id  text        NOT NULL,
    message_ids uuid[]      NOT NULL,
    enqueued_at timestamptz NOT NULL DEFAULT now(),
    attempts    int         NOT NULL DEFAULT 0,
    due_at      timestamptz NOT NULL DEFAULT now(),
    last_error  text,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX insight_queue_due ON insight_queue (due_at, enqueued_at);

CREATE TABLE insight_usage (
    tenant_id  text        NOT NULL DEFAULT 'default',
    memory_id  uuid        NOT NULL,
    found      bigint      NOT NULL DEFAULT 0,         -- searches that answered with it
    read       bigint      NOT NULL DEFAULT 0,         -- times it was read by its id
    used_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, memory_id)
);
