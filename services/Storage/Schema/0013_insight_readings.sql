-- Messages that a language model reads for insights, where one is configured: which wait, which it has read, and which were given up and why.
CREATE TABLE insight_readings (
    tenant_id   text        NOT NULL DEFAULT 'default',
    message_id  uuid        NOT NULL,                  -- the memory
    session_id  text,
    swept       boolean     NOT NULL,                  -- asked for by a sweep: what is said now goes first
    place       bigint      GENERATED ALWAYS AS IDENTITY,
    enqueued_at timestamptz NOT NULL DEFAULT now(),
    due_at      timestamptz DEFAULT now(),             -- NULL: read, or given up. Whoever reads it puts it off until it would be too late
    claim       uuid,                                  -- who reads it
    attempts    int         NOT NULL DEFAULT 0,
    reason      text,                                  -- why it could not be read the last time
    last_error  text,
    read_at     timestamptz,
    model       text,                                  -- that has read it
    PRIMARY KEY (tenant_id, message_id)
);
CREATE INDEX insight_readings_due      ON insight_readings (tenant_id, swept, due_at, place) WHERE due_at IS NOT NULL;
CREATE INDEX insight_readings_claim    ON insight_readings (tenant_id, claim)                WHERE claim IS NOT NULL;
CREATE INDEX insight_readings_given_up ON insight_readings (tenant_id)                       WHERE due_at IS NULL AND read_at IS NULL;
