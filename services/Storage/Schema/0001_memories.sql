-- The memories themselves, their words, their vectors' spaces and the queue between them.
-- Every key of user data starts with tenant_id, so that row-level security, partitioning and a distributed
-- PostgreSQL stay possible. Names are qualified where a function body needs them after a restore, when
-- search_path is empty.

CREATE EXTENSION IF NOT EXISTS vector;

-- The lexemes of a text, the same for a memory and for a question:
--  1. its words in the language given, with names split where a reader would split them
--     (getUserById, get_user_by_id, http.client, XMLHttpRequest -> get user by id, http client, xml http request);
--  2. each such name as a whole, folded to one spelling (getuserbyid).
-- One to_tsvector over both: two cost a third more. The parser itself keeps versions (2.5.1) and splits at "_".
-- It also takes <T> for a tag, &x; for an entity and all behind <script> for a script, and drops them: hence translate.
CREATE FUNCTION mahavishnu_words(lang regconfig, body text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT pg_catalog.to_tsvector(lang,
        regexp_replace(translate(body, '<>&', '   '), '([a-z0-9](?=[A-Z])|[A-Z](?=[A-Z][a-z])|[./\\](?=[A-Za-z_]))', '\1 ', 'g')
        || ' ' ||
        array_to_string(ARRAY(
            SELECT replace(name[1], '_', '')
            FROM regexp_matches(body, '([A-Za-z0-9]+(?:_[A-Za-z0-9_]+|[a-z0-9][A-Z][A-Za-z0-9]*|[A-Z][a-z][A-Za-z0-9]*))', 'g') AS name), ' '))
$$;

-- A tsvector holds at most 1 MB; a text that does not fit is indexed as far as it does and no further (what lies
-- beyond is reached by the vectors of its parts). Never an error: every text can be stored.
CREATE FUNCTION mahavishnu_words_that_fit(lang regconfig, title text, content text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    heading tsvector := setweight(coalesce(public.mahavishnu_words(lang, title), ''::tsvector), 'B');
    fits int := length(content);
BEGIN
    LOOP
        BEGIN
            RETURN heading || public.mahavishnu_words(lang, left(content, fits));
        EXCEPTION WHEN program_limit_exceeded THEN
            fits := fits * 3 / 4;
        END;
    END LOOP;
END
$$;

-- What a memory is found by: its title (weighing more) and its content. Below 100,000 bytes nothing can overflow,
-- and plain SQL spares the subtransaction.
CREATE FUNCTION mahavishnu_memory_words(lang regconfig, title text, content text) RETURNS tsvector
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN octet_length(content) >= 100000 THEN public.mahavishnu_words_that_fit(lang, title, content)
        WHEN title IS NULL THEN public.mahavishnu_words(lang, content)
        ELSE setweight(public.mahavishnu_words(lang, title), 'B') || public.mahavishnu_words(lang, content)
    END
$$;

CREATE TABLE memories (
    tenant_id     text        NOT NULL DEFAULT 'default',
    id            uuid        NOT NULL,
    memory_type   text        NOT NULL CHECK (memory_type IN ('agent', 'rag', 'workflow', 'insight')),
    source_system text        NOT NULL,
    title         text,
    content       text        NOT NULL,
    content_hash  bytea       NOT NULL,                -- SHA-256 of the sanitised content
    dedupe_key    text,                                -- NULL never collides; cleared while a memory is deleted
    tags          text[]      NOT NULL DEFAULT '{}',
    agent_id      text,
    workflow_id   text,
    repo_id       text,
    project_id    text,
    session_id    text,
    metadata      jsonb       NOT NULL DEFAULT '{}',
    provenance    jsonb       NOT NULL DEFAULT '{}',
    lang          regconfig   NOT NULL DEFAULT 'pg_catalog.english',
    occurred_at   timestamptz NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    deleted_at    timestamptz,
    expires_at    timestamptz,
    superseded_by uuid,
    version       int         NOT NULL DEFAULT 1,
    words         tsvector    GENERATED ALWAYS AS (public.mahavishnu_memory_words(lang, title, content)) STORED,
    PRIMARY KEY (tenant_id, id),
    -- Plain, not partial: ON CONFLICT must be able to name it.
    UNIQUE (tenant_id, dedupe_key)
);

CREATE INDEX memories_type_date   ON memories (tenant_id, memory_type, created_at DESC);
CREATE INDEX memories_source_type ON memories (tenant_id, source_system, memory_type);
CREATE INDEX memories_recent      ON memories (tenant_id, created_at DESC, id DESC);
CREATE INDEX memories_hash        ON memories (tenant_id, content_hash);
CREATE INDEX memories_agent       ON memories (tenant_id, agent_id, occurred_at DESC)    WHERE agent_id IS NOT NULL;
CREATE INDEX memories_workflow    ON memories (tenant_id, workflow_id, occurred_at DESC) WHERE workflow_id IS NOT NULL;
CREATE INDEX memories_repo        ON memories (tenant_id, repo_id)                       WHERE repo_id IS NOT NULL;
CREATE INDEX memories_project     ON memories (tenant_id, project_id, occurred_at DESC)  WHERE project_id IS NOT NULL;
CREATE INDEX memories_session     ON memories (tenant_id, session_id, occurred_at)       WHERE session_id IS NOT NULL;
CREATE INDEX memories_expiry      ON memories (tenant_id, expires_at)                    WHERE expires_at IS NOT NULL;
CREATE INDEX memories_tags        ON memories USING gin (tags)                           WHERE tags <> '{}';
CREATE INDEX memories_words       ON memories USING gin (words);

-- What a memory was before each change: the whole row but its words.
CREATE TABLE memory_history (
    tenant_id  text        NOT NULL,
    memory_id  uuid        NOT NULL,
    version    int         NOT NULL,
    change     text        NOT NULL CHECK (change IN ('update', 'delete', 'restore')),
    changed_at timestamptz NOT NULL DEFAULT now(),
    memory     jsonb       NOT NULL,
    PRIMARY KEY (tenant_id, memory_id, version)
);

-- One row a model (and its digest): only vectors of one space may be compared. The vectors of space N are in the
-- table embedding_N, made when the space is.
CREATE TABLE embedding_spaces (
    id             smallint    GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model          text        NOT NULL,
    digest         text        NOT NULL,
    dimensions     int         NOT NULL CHECK (dimensions BETWEEN 1 AND 4000),
    distance       text        NOT NULL CHECK (distance IN ('cosine', 'l2', 'ip')),
    prefix_profile text        NOT NULL,
    state          text        NOT NULL CHECK (state IN ('building', 'active', 'retired')),
    index_state    text        NOT NULL DEFAULT 'none' CHECK (index_state IN ('none', 'building', 'ready')),
    created_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (model, digest, dimensions, distance, prefix_profile)
);
CREATE UNIQUE INDEX embedding_spaces_one_active ON embedding_spaces (state) WHERE state = 'active';

-- The queue is a table: accepting a memory and asking for its vector is one commit.
CREATE TABLE embedding_queue (
    tenant_id     text        NOT NULL,
    memory_id     uuid        NOT NULL,
    space_id      smallint    NOT NULL REFERENCES embedding_spaces ON DELETE CASCADE,
    enqueued_at   timestamptz NOT NULL DEFAULT now(),
    attempts      int         NOT NULL DEFAULT 0,
    claim         uuid,                                -- whose lease; a change of the memory takes it away
    claimed_until timestamptz NOT NULL DEFAULT '-infinity',
    failed_at     timestamptz,                         -- set: in the dead-letter list
    last_error    text,
    PRIMARY KEY (tenant_id, memory_id, space_id)
);
-- Claimed and deleted all day long: vacuum it early.
ALTER TABLE embedding_queue SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX embedding_queue_due ON embedding_queue (space_id, enqueued_at) WHERE failed_at IS NULL;

-- The vector of a text, by its hash: the same text is embedded once.
CREATE TABLE embedding_cache (
    space_id  smallint    NOT NULL REFERENCES embedding_spaces ON DELETE CASCADE,
    text_hash bytea       NOT NULL,
    embedding halfvec     NOT NULL,
    used_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (space_id, text_hash)
);
CREATE INDEX embedding_cache_age ON embedding_cache (used_at);

-- "This question should find that memory."
CREATE TABLE pinned_queries (
    tenant_id  text        NOT NULL DEFAULT 'default',
    id         uuid        NOT NULL,
    query      text        NOT NULL,
    filter     jsonb       NOT NULL DEFAULT '{}',
    memory_id  uuid        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);

-- Long work: claimed with a lease, resumed by another process when the lease runs out.
CREATE TABLE operations (
    tenant_id        text        NOT NULL DEFAULT 'default',
    id               uuid        NOT NULL,
    kind             text        NOT NULL,
    subject          text        NOT NULL,             -- what it works on; one unfinished operation a kind and subject
    state            text        NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
    input            jsonb       NOT NULL DEFAULT '{}',
    done             bigint      NOT NULL DEFAULT 0,
    total            bigint,
    unit             text        NOT NULL DEFAULT 'items',
    message          text,
    result           jsonb,
    error_code       text,
    error_message    text,
    cancel_requested boolean     NOT NULL DEFAULT false,
    attempts         int         NOT NULL DEFAULT 0,
    claim            uuid,
    claimed_until    timestamptz NOT NULL DEFAULT '-infinity',
    created_at       timestamptz NOT NULL DEFAULT now(),
    started_at       timestamptz,
    finished_at      timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX operations_one_at_work ON operations (tenant_id, kind, subject) WHERE state IN ('queued', 'running');
CREATE INDEX operations_recent ON operations (tenant_id, created_at DESC, id DESC);

-- A run over a repository, and what each of its files looked like, so that the next run touches only what changed.
CREATE TABLE rag_ingestions (
    tenant_id    text        NOT NULL DEFAULT 'default',
    id           uuid        NOT NULL,                 -- the operation's id
    repo_id      text        NOT NULL,
    repo_path    text        NOT NULL,
    project_id   text,
    commit_id    text,
    status       text        NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
    files        int         NOT NULL DEFAULT 0,
    chunks       int         NOT NULL DEFAULT 0,
    counts       jsonb       NOT NULL DEFAULT '{}',
    started_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX rag_ingestions_repo ON rag_ingestions (tenant_id, repo_id, started_at DESC);

CREATE TABLE rag_files (
    tenant_id     text        NOT NULL DEFAULT 'default',
    repo_id       text        NOT NULL,
    path          text        NOT NULL,                -- relative, with /
    blob_hash     bytea       NOT NULL,                -- of the file's bytes
    settings_hash bytea       NOT NULL,                -- of what else decides the chunks: size, overlap, splitter version
    bytes         bigint      NOT NULL,
    chunks        int         NOT NULL,
    memory_ids    uuid[]      NOT NULL,                -- its chunks, in order
    ingested_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, repo_id, path)
);
