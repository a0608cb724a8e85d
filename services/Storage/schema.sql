-- The schema at version 15, as PostgreSQL describes it. Generated: change a migration in Schema/, then run the
-- tests of Storage with MAHAVISHNU_APPROVE=1. Why things are as they are is said in the migrations.

CREATE EXTENSION vector;
CREATE EXTENSION pg_prewarm; -- where the server has it

CREATE OR REPLACE FUNCTION public.mahavishnu_all_words(lang regconfig, body text)
 RETURNS tsquery
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
    SELECT string_agg(quoted || CASE WHEN single THEN ':*' ELSE '' END, ' & ')::tsquery
    FROM (
        SELECT '''' || replace(replace(w.lexeme, '\', '\\'), '''', '''''') || '''' AS quoted,
               w.lexeme ~ '^[\u0E00-\u0EFF\u1000-\u109F\u1100-\u11FF\u1780-\u17FF\u3005-\u3007\u3031-\u3035\u3040-\u30FF\u3130-\u318F\u31F0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uA960-\uA97F\uAC00-\uD7FF\uF900-\uFAFF\uFF66-\uFFDC\U00020000-\U0003FFFF]$' AS single,
               count(*) OVER () AS words
        FROM unnest(tsvector_to_array(public.mahavishnu_words(lang, body))) AS w(lexeme)) w
    WHERE words = 1 OR NOT single
$function$;

CREATE OR REPLACE FUNCTION public.mahavishnu_letter_pairs(body text)
 RETURNS tsvector
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
    SELECT coalesce(string_agg(DISTINCT letter || CASE WHEN next <> ' ' THEN next ELSE '' END, ' '), '')::tsvector
    FROM (
        SELECT letter, lead(letter, 1, ' ') OVER (ORDER BY place) AS next
        FROM unnest(string_to_array(regexp_replace(body, '[^\u0E00-\u0EFF\u1000-\u109F\u1100-\u11FF\u1780-\u17FF\u3005-\u3007\u3031-\u3035\u3040-\u30FF\u3130-\u318F\u31F0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uA960-\uA97F\uAC00-\uD7FF\uF900-\uFAFF\uFF66-\uFFDC\U00020000-\U0003FFFF]+', ' ', 'g'), NULL))
            WITH ORDINALITY AS l(letter, place)) l
    WHERE letter <> ' '
$function$;

CREATE OR REPLACE FUNCTION public.mahavishnu_memory_words(lang regconfig, title text, content text)
 RETURNS tsvector
 LANGUAGE sql
 IMMUTABLE
AS $function$
    SELECT CASE
        WHEN octet_length(content) >= 100000 THEN public.mahavishnu_words_that_fit(lang, title, content)
        WHEN title IS NULL THEN public.mahavishnu_words(lang, content)
        ELSE setweight(public.mahavishnu_words(lang, title), 'B') || public.mahavishnu_words(lang, content)
    END
$function$;

CREATE OR REPLACE FUNCTION public.mahavishnu_words(lang regconfig, body text)
 RETURNS tsvector
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION public.mahavishnu_words_that_fit(lang regconfig, title text, content text)
 RETURNS tsvector
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
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
$function$;

CREATE TABLE agent_conversations (
    tenant_id   text                     NOT NULL DEFAULT 'default'::text,
    session_id  text                     NOT NULL,
    ordinal     integer                  NOT NULL,
    agent_id    text,
    role        text                     NOT NULL,
    memory_id   uuid                     NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    client_id   text,
    CONSTRAINT agent_conversations_pkey PRIMARY KEY (tenant_id, session_id, ordinal),
    CONSTRAINT agent_conversations_role_check CHECK ((role = ANY (ARRAY['system'::text, 'user'::text, 'assistant'::text, 'tool'::text])))
);
CREATE UNIQUE INDEX agent_conversations_memory ON agent_conversations USING btree (tenant_id, memory_id);

CREATE TABLE asked_questions (
    tenant_id       text                     NOT NULL DEFAULT 'default'::text,
    project_id      text                     NOT NULL DEFAULT ''::text,
    question_key    bytea                    NOT NULL,
    question        text                     NOT NULL,
    asked           bigint                   NOT NULL,
    unanswered      bigint                   NOT NULL,
    hits            integer                  NOT NULL,
    best_similarity double precision,
    model           text,
    first_at        timestamp with time zone NOT NULL,
    last_at         timestamp with time zone NOT NULL,
    CONSTRAINT asked_questions_pkey PRIMARY KEY (tenant_id, project_id, question_key)
);
CREATE INDEX asked_questions_age ON asked_questions USING btree (tenant_id, last_at);

CREATE TABLE causal_links (
    tenant_id  text                     NOT NULL DEFAULT 'default'::text,
    id         text                     NOT NULL,
    cause_id   text                     NOT NULL,
    effect_id  text                     NOT NULL,
    link_type  text                     NOT NULL,
    confidence double precision,
    metadata   jsonb                    NOT NULL DEFAULT '{}'::jsonb,
    import_id  uuid,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT causal_links_pkey PRIMARY KEY (tenant_id, id)
);

CREATE TABLE conversations (
    tenant_id    text                     NOT NULL DEFAULT 'default'::text,
    session_id   text                     NOT NULL,
    id           uuid                     NOT NULL,
    last_ordinal integer                  NOT NULL DEFAULT 0,
    first_at     timestamp with time zone,
    last_at      timestamp with time zone,
    deleted_at   timestamp with time zone,
    CONSTRAINT conversations_pkey PRIMARY KEY (tenant_id, session_id)
);
CREATE INDEX conversations_recent ON conversations USING btree (tenant_id, last_at DESC, id DESC);

-- One such table an embedding space, made with it: here the first, of 768 dimensions. Its HNSW index is built when it pays.
CREATE TABLE embedding_1 (
    tenant_id     text                     NOT NULL,
    memory_id     uuid                     NOT NULL,
    part          smallint                 NOT NULL,
    embedding     halfvec(768)             STORAGE PLAIN NOT NULL,
    memory_type   text                     NOT NULL,
    source_system text                     NOT NULL,
    project_id    text,
    repo_id       text,
    occurred_at   timestamp with time zone NOT NULL,
    CONSTRAINT embedding_1_pkey PRIMARY KEY (tenant_id, memory_id, part)
);
CREATE INDEX embedding_1_project ON embedding_1 USING btree (tenant_id, project_id) WHERE (project_id IS NOT NULL);
CREATE INDEX embedding_1_repo ON embedding_1 USING btree (tenant_id, repo_id) WHERE (repo_id IS NOT NULL);
CREATE INDEX embedding_1_source ON embedding_1 USING btree (tenant_id, source_system);
CREATE INDEX embedding_1_type ON embedding_1 USING btree (tenant_id, memory_type, occurred_at);

CREATE TABLE embedding_cache (
    space_id  smallint                 NOT NULL,
    text_hash bytea                    NOT NULL,
    embedding halfvec                  NOT NULL,
    used_at   timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT embedding_cache_pkey PRIMARY KEY (space_id, text_hash),
    CONSTRAINT embedding_cache_space_id_fkey FOREIGN KEY (space_id) REFERENCES embedding_spaces(id) ON DELETE CASCADE
);
CREATE INDEX embedding_cache_age ON embedding_cache USING btree (used_at);

CREATE TABLE embedding_queue (
    tenant_id     text                     NOT NULL,
    memory_id     uuid                     NOT NULL,
    space_id      smallint                 NOT NULL,
    enqueued_at   timestamp with time zone NOT NULL DEFAULT now(),
    attempts      integer                  NOT NULL DEFAULT 0,
    claim         uuid,
    claimed_until timestamp with time zone NOT NULL DEFAULT '-infinity'::timestamp with time zone,
    failed_at     timestamp with time zone,
    last_error    text,
    reason        text,
    trace         text,
    CONSTRAINT embedding_queue_pkey PRIMARY KEY (tenant_id, memory_id, space_id),
    CONSTRAINT embedding_queue_space_id_fkey FOREIGN KEY (space_id) REFERENCES embedding_spaces(id) ON DELETE CASCADE
) WITH (autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_cost_delay=0);
CREATE INDEX embedding_queue_due ON embedding_queue USING btree (space_id, enqueued_at) WHERE (failed_at IS NULL);
CREATE INDEX embedding_queue_failed ON embedding_queue USING btree (tenant_id, failed_at DESC, memory_id DESC) WHERE (failed_at IS NOT NULL);

CREATE TABLE embedding_spaces (
    id             smallint                 NOT NULL GENERATED ALWAYS AS IDENTITY,
    model          text                     NOT NULL,
    digest         text                     NOT NULL,
    dimensions     integer                  NOT NULL,
    distance       text                     NOT NULL,
    prefix_profile text                     NOT NULL,
    state          text                     NOT NULL,
    index_state    text                     NOT NULL DEFAULT 'none'::text,
    created_at     timestamp with time zone NOT NULL DEFAULT now(),
    provider       text                     NOT NULL,
    fill_cursor    uuid,
    filled_at      timestamp with time zone,
    activated_at   timestamp with time zone,
    wanted_index   text,
    wanted_lists   integer,
    wanted_probes  integer,
    index_kind     text,
    index_lists    integer,
    index_probes   integer,
    index_rows     bigint,
    index_gone     bigint,
    index_built_at timestamp with time zone,
    CONSTRAINT embedding_spaces_pkey PRIMARY KEY (id),
    CONSTRAINT embedding_spaces_dimensions_check CHECK (((dimensions >= 1) AND (dimensions <= 4000))),
    CONSTRAINT embedding_spaces_distance_check CHECK ((distance = ANY (ARRAY['cosine'::text, 'l2'::text, 'ip'::text]))),
    CONSTRAINT embedding_spaces_index_kind_check CHECK ((index_kind = ANY (ARRAY['hnsw'::text, 'hnsw-vector'::text, 'ivfflat'::text]))),
    CONSTRAINT embedding_spaces_index_state_check CHECK ((index_state = ANY (ARRAY['none'::text, 'building'::text, 'ready'::text]))),
    CONSTRAINT embedding_spaces_model_digest_dimensions_distance_prefix_pr_key UNIQUE (model, digest, dimensions, distance, prefix_profile),
    CONSTRAINT embedding_spaces_state_check CHECK ((state = ANY (ARRAY['building'::text, 'active'::text, 'retired'::text, 'dropping'::text]))),
    CONSTRAINT embedding_spaces_wanted_index_check CHECK ((wanted_index = ANY (ARRAY['hnsw'::text, 'hnsw-vector'::text, 'ivfflat'::text, 'none'::text])))
);
CREATE UNIQUE INDEX embedding_spaces_one_active ON embedding_spaces USING btree (state) WHERE (state = 'active'::text);

CREATE TABLE import_files (
    tenant_id   text     NOT NULL DEFAULT 'default'::text,
    import_id   uuid     NOT NULL,
    number      smallint NOT NULL,
    path        text     NOT NULL,
    hash        bytea,
    bytes       bigint   NOT NULL DEFAULT 0,
    generations text[]   NOT NULL DEFAULT '{}'::text[],
    skipped     jsonb    NOT NULL DEFAULT '[]'::jsonb,
    CONSTRAINT import_files_pkey PRIMARY KEY (tenant_id, import_id, number),
    CONSTRAINT import_files_tenant_id_import_id_fkey FOREIGN KEY (tenant_id, import_id) REFERENCES imports(tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE import_rejects (
    tenant_id text   NOT NULL DEFAULT 'default'::text,
    import_id uuid   NOT NULL,
    file      text   NOT NULL,
    name      text   NOT NULL,
    row       bigint NOT NULL,
    reason    text   NOT NULL,
    raw       jsonb  NOT NULL,
    CONSTRAINT import_rejects_pkey PRIMARY KEY (tenant_id, import_id, file, name, "row"),
    CONSTRAINT import_rejects_tenant_id_import_id_fkey FOREIGN KEY (tenant_id, import_id) REFERENCES imports(tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE import_rows (
    tenant_id    text     NOT NULL DEFAULT 'default'::text,
    import_id    uuid     NOT NULL,
    file_number  smallint NOT NULL,
    table_number smallint NOT NULL,
    row          bigint   NOT NULL,
    made         boolean  NOT NULL,
    memory_id    uuid,
    object       text,
    source_id    text,
    CONSTRAINT import_rows_pkey PRIMARY KEY (tenant_id, import_id, file_number, table_number, "row")
);
CREATE INDEX import_rows_memory ON import_rows USING btree (tenant_id, memory_id) WHERE (memory_id IS NOT NULL);
CREATE INDEX import_rows_object ON import_rows USING btree (tenant_id, object) WHERE (object IS NOT NULL);

CREATE TABLE import_tables (
    tenant_id           text             NOT NULL DEFAULT 'default'::text,
    import_id           uuid             NOT NULL,
    file                text             NOT NULL,
    name                text             NOT NULL,
    cursor              bigint           NOT NULL DEFAULT 0,
    read                bigint           NOT NULL DEFAULT 0,
    imported            bigint           NOT NULL DEFAULT 0,
    duplicate           bigint           NOT NULL DEFAULT 0,
    rejected            bigint           NOT NULL DEFAULT 0,
    finished            boolean          NOT NULL DEFAULT false,
    file_number         smallint         NOT NULL DEFAULT 0,
    number              smallint         NOT NULL DEFAULT 0,
    role                text             NOT NULL DEFAULT 'text'::text,
    rows                bigint           NOT NULL DEFAULT 0,
    sentences_imported  bigint           NOT NULL DEFAULT 0,
    sentences_duplicate bigint           NOT NULL DEFAULT 0,
    by_name             bigint           NOT NULL DEFAULT 0,
    seconds             double precision NOT NULL DEFAULT 0,
    CONSTRAINT import_tables_pkey PRIMARY KEY (tenant_id, import_id, file, name),
    CONSTRAINT import_tables_tenant_id_import_id_fkey FOREIGN KEY (tenant_id, import_id) REFERENCES imports(tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE imports (
    tenant_id    text                     NOT NULL DEFAULT 'default'::text,
    id           uuid                     NOT NULL,
    path         text                     NOT NULL,
    file_hash    bytea,
    status       text                     NOT NULL,
    time_zone    text                     NOT NULL,
    options      jsonb                    NOT NULL DEFAULT '{}'::jsonb,
    report       jsonb,
    started_at   timestamp with time zone NOT NULL DEFAULT now(),
    finished_at  timestamp with time zone,
    operation_id uuid,
    CONSTRAINT imports_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT imports_status_check CHECK ((status = ANY (ARRAY['running'::text, 'completed'::text, 'failed'::text, 'cancelled'::text, 'undone'::text])))
);
CREATE INDEX imports_recent ON imports USING btree (tenant_id, started_at DESC, id DESC);
CREATE UNIQUE INDEX imports_unfinished ON imports USING btree (tenant_id, file_hash) WHERE (status = 'running'::text);

CREATE TABLE insight_keys (
    tenant_id  text                     NOT NULL DEFAULT 'default'::text,
    key        bytea                    NOT NULL,
    memory_id  uuid,
    message_id uuid,
    session_id text,
    found_at   timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT insight_keys_pkey PRIMARY KEY (tenant_id, key)
);
CREATE INDEX insight_keys_memory ON insight_keys USING btree (tenant_id, memory_id) WHERE (memory_id IS NOT NULL);
CREATE INDEX insight_keys_message ON insight_keys USING btree (tenant_id, message_id) WHERE (message_id IS NOT NULL);
CREATE INDEX insight_keys_session ON insight_keys USING btree (tenant_id, session_id) WHERE (message_id IS NOT NULL);

CREATE TABLE insight_queue (
    tenant_id   text                     NOT NULL DEFAULT 'default'::text,
    id          uuid                     NOT NULL,
    session_id  text                     NOT NULL,
    message_ids uuid[]                   NOT NULL,
    enqueued_at timestamp with time zone NOT NULL DEFAULT now(),
    attempts    integer                  NOT NULL DEFAULT 0,
    due_at      timestamp with time zone NOT NULL DEFAULT now(),
    last_error  text,
    CONSTRAINT insight_queue_pkey PRIMARY KEY (tenant_id, id)
);
CREATE INDEX insight_queue_due ON insight_queue USING btree (due_at, enqueued_at);

CREATE TABLE insight_readings (
    tenant_id   text                     NOT NULL DEFAULT 'default'::text,
    message_id  uuid                     NOT NULL,
    session_id  text,
    swept       boolean                  NOT NULL,
    place       bigint                   NOT NULL GENERATED ALWAYS AS IDENTITY,
    enqueued_at timestamp with time zone NOT NULL DEFAULT now(),
    due_at      timestamp with time zone DEFAULT now(),
    claim       uuid,
    attempts    integer                  NOT NULL DEFAULT 0,
    reason      text,
    last_error  text,
    read_at     timestamp with time zone,
    model       text,
    CONSTRAINT insight_readings_pkey PRIMARY KEY (tenant_id, message_id)
);
CREATE INDEX insight_readings_claim ON insight_readings USING btree (tenant_id, claim) WHERE (claim IS NOT NULL);
CREATE INDEX insight_readings_due ON insight_readings USING btree (tenant_id, swept, due_at, place) WHERE (due_at IS NOT NULL);
CREATE INDEX insight_readings_given_up ON insight_readings USING btree (tenant_id) WHERE ((due_at IS NULL) AND (read_at IS NULL));

CREATE TABLE insight_shares (
    tenant_id    text                     NOT NULL DEFAULT 'default'::text,
    memory_id    uuid                     NOT NULL,
    project_id   text,
    shared_at    timestamp with time zone NOT NULL DEFAULT now(),
    id           uuid                     NOT NULL DEFAULT gen_random_uuid(),
    group_id     text,
    shared_by    text,
    reason       text,
    withdrawn_at timestamp with time zone,
    withdrawn_by text,
    CONSTRAINT insight_shares_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT insight_shares_with_check CHECK ((num_nonnulls(project_id, group_id) = 1))
);
CREATE INDEX insight_shares_memory ON insight_shares USING btree (tenant_id, memory_id);
CREATE UNIQUE INDEX insight_shares_standing_group ON insight_shares USING btree (tenant_id, group_id, memory_id) WHERE ((withdrawn_at IS NULL) AND (group_id IS NOT NULL));
CREATE UNIQUE INDEX insight_shares_standing_project ON insight_shares USING btree (tenant_id, project_id, memory_id) WHERE ((withdrawn_at IS NULL) AND (project_id IS NOT NULL));

CREATE TABLE insight_usage (
    tenant_id text                     NOT NULL DEFAULT 'default'::text,
    memory_id uuid                     NOT NULL,
    found     bigint                   NOT NULL DEFAULT 0,
    read      bigint                   NOT NULL DEFAULT 0,
    used_at   timestamp with time zone NOT NULL,
    CONSTRAINT insight_usage_pkey PRIMARY KEY (tenant_id, memory_id)
);

CREATE TABLE kg_entities (
    tenant_id    text                     NOT NULL DEFAULT 'default'::text,
    id           text                     NOT NULL,
    name         text                     NOT NULL,
    entity_type  text                     NOT NULL,
    observations text[]                   NOT NULL DEFAULT '{}'::text[],
    properties   jsonb                    NOT NULL DEFAULT '{}'::jsonb,
    import_id    uuid,
    created_at   timestamp with time zone NOT NULL DEFAULT now(),
    updated_at   timestamp with time zone,
    CONSTRAINT kg_entities_pkey PRIMARY KEY (tenant_id, id)
);
CREATE INDEX kg_entities_import ON kg_entities USING btree (tenant_id, import_id) WHERE (import_id IS NOT NULL);
CREATE INDEX kg_entities_name ON kg_entities USING btree (tenant_id, name);

CREATE TABLE kg_relationships (
    tenant_id     text                     NOT NULL DEFAULT 'default'::text,
    id            text                     NOT NULL,
    from_entity   text                     NOT NULL,
    to_entity     text                     NOT NULL,
    relation_type text                     NOT NULL,
    properties    jsonb                    NOT NULL DEFAULT '{}'::jsonb,
    memory_id     uuid,
    import_id     uuid,
    created_at    timestamp with time zone NOT NULL DEFAULT now(),
    updated_at    timestamp with time zone,
    CONSTRAINT kg_relationships_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT kg_relationships_tenant_id_from_entity_fkey FOREIGN KEY (tenant_id, from_entity) REFERENCES kg_entities(tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT kg_relationships_tenant_id_to_entity_fkey FOREIGN KEY (tenant_id, to_entity) REFERENCES kg_entities(tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX kg_relationships_from ON kg_relationships USING btree (tenant_id, from_entity);
CREATE INDEX kg_relationships_to ON kg_relationships USING btree (tenant_id, to_entity);

CREATE TABLE memories (
    tenant_id     text                     NOT NULL DEFAULT 'default'::text,
    id            uuid                     NOT NULL,
    memory_type   text                     NOT NULL,
    source_system text                     NOT NULL,
    title         text,
    content       text                     NOT NULL,
    content_hash  bytea                    NOT NULL,
    dedupe_key    text,
    tags          text[]                   NOT NULL DEFAULT '{}'::text[],
    agent_id      text,
    workflow_id   text,
    repo_id       text,
    project_id    text,
    session_id    text,
    metadata      jsonb                    NOT NULL DEFAULT '{}'::jsonb,
    provenance    jsonb                    NOT NULL DEFAULT '{}'::jsonb,
    lang          regconfig                NOT NULL DEFAULT 'english'::regconfig,
    occurred_at   timestamp with time zone NOT NULL,
    created_at    timestamp with time zone NOT NULL DEFAULT now(),
    updated_at    timestamp with time zone NOT NULL DEFAULT now(),
    deleted_at    timestamp with time zone,
    expires_at    timestamp with time zone,
    superseded_by uuid,
    version       integer                  NOT NULL DEFAULT 1,
    words         tsvector                 GENERATED ALWAYS AS (mahavishnu_memory_words(lang, title, content)) STORED,
    superseded_at timestamp with time zone,
    CONSTRAINT memories_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT memories_memory_type_check CHECK ((memory_type = ANY (ARRAY['agent'::text, 'rag'::text, 'workflow'::text, 'insight'::text]))),
    CONSTRAINT memories_tenant_id_dedupe_key_key UNIQUE (tenant_id, dedupe_key)
);
CREATE INDEX memories_agent ON memories USING btree (tenant_id, agent_id, occurred_at DESC) WHERE (agent_id IS NOT NULL);
CREATE INDEX memories_expiry ON memories USING btree (tenant_id, expires_at) WHERE (expires_at IS NOT NULL);
CREATE INDEX memories_hash ON memories USING btree (tenant_id, content_hash);
CREATE INDEX memories_metadata ON memories USING gin (metadata jsonb_path_ops);
CREATE INDEX memories_project ON memories USING btree (tenant_id, project_id, occurred_at DESC) WHERE (project_id IS NOT NULL);
CREATE INDEX memories_recent ON memories USING btree (tenant_id, created_at DESC, id DESC);
CREATE INDEX memories_repo ON memories USING btree (tenant_id, repo_id) WHERE (repo_id IS NOT NULL);
CREATE INDEX memories_session ON memories USING btree (tenant_id, session_id, occurred_at) WHERE (session_id IS NOT NULL);
CREATE INDEX memories_source_type ON memories USING btree (tenant_id, source_system, memory_type);
CREATE INDEX memories_superseded ON memories USING btree (tenant_id, superseded_by) WHERE (superseded_by IS NOT NULL);
CREATE INDEX memories_tags ON memories USING gin (tags) WHERE (tags <> '{}'::text[]);
CREATE INDEX memories_type_date ON memories USING btree (tenant_id, memory_type, created_at DESC);
CREATE INDEX memories_words ON memories USING gin (words, (ARRAY[project_id]));
CREATE INDEX memories_workflow ON memories USING btree (tenant_id, workflow_id, occurred_at DESC) WHERE (workflow_id IS NOT NULL);

CREATE TABLE memory_history (
    tenant_id  text                     NOT NULL,
    memory_id  uuid                     NOT NULL,
    version    integer                  NOT NULL,
    change     text                     NOT NULL,
    changed_at timestamp with time zone NOT NULL DEFAULT now(),
    memory     jsonb                    NOT NULL,
    CONSTRAINT memory_history_pkey PRIMARY KEY (tenant_id, memory_id, version),
    CONSTRAINT memory_history_change_check CHECK ((change = ANY (ARRAY['update'::text, 'delete'::text, 'restore'::text, 'supersede'::text, 'unsupersede'::text])))
);

CREATE TABLE operations (
    tenant_id        text                     NOT NULL DEFAULT 'default'::text,
    id               uuid                     NOT NULL,
    kind             text                     NOT NULL,
    subject          text                     NOT NULL,
    state            text                     NOT NULL DEFAULT 'queued'::text,
    input            jsonb                    NOT NULL DEFAULT '{}'::jsonb,
    done             bigint                   NOT NULL DEFAULT 0,
    total            bigint,
    unit             text                     NOT NULL DEFAULT 'items'::text,
    message          text,
    result           jsonb,
    error_code       text,
    error_message    text,
    cancel_requested boolean                  NOT NULL DEFAULT false,
    attempts         integer                  NOT NULL DEFAULT 0,
    claim            uuid,
    claimed_until    timestamp with time zone NOT NULL DEFAULT '-infinity'::timestamp with time zone,
    created_at       timestamp with time zone NOT NULL DEFAULT now(),
    started_at       timestamp with time zone,
    finished_at      timestamp with time zone,
    trace            text,
    CONSTRAINT operations_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT operations_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'completed'::text, 'failed'::text, 'cancelled'::text])))
);
CREATE INDEX operations_recent ON operations USING btree (tenant_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX operations_one_at_work ON operations USING btree (tenant_id, kind, subject) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text]));

CREATE TABLE pinned_queries (
    tenant_id  text                     NOT NULL DEFAULT 'default'::text,
    id         uuid                     NOT NULL,
    query      text                     NOT NULL,
    filter     jsonb                    NOT NULL DEFAULT '{}'::jsonb,
    memory_id  uuid                     NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT pinned_queries_pkey PRIMARY KEY (tenant_id, id)
);

CREATE TABLE project_dependencies (
    tenant_id       text                     NOT NULL DEFAULT 'default'::text,
    id              text                     NOT NULL,
    source_project  text                     NOT NULL,
    target_project  text                     NOT NULL,
    dependency_type text                     NOT NULL,
    description     text                     NOT NULL DEFAULT ''::text,
    metadata        jsonb                    NOT NULL DEFAULT '{}'::jsonb,
    import_id       uuid,
    created_at      timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT project_dependencies_pkey PRIMARY KEY (tenant_id, id)
);
CREATE INDEX project_dependencies_source ON project_dependencies USING btree (tenant_id, source_project);
CREATE INDEX project_dependencies_target ON project_dependencies USING btree (tenant_id, target_project);

CREATE TABLE project_group_members (
    tenant_id  text NOT NULL DEFAULT 'default'::text,
    group_id   text NOT NULL,
    project_id text NOT NULL,
    CONSTRAINT project_group_members_pkey PRIMARY KEY (tenant_id, group_id, project_id),
    CONSTRAINT project_group_members_tenant_id_group_id_fkey FOREIGN KEY (tenant_id, group_id) REFERENCES project_groups(tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX project_group_members_project ON project_group_members USING btree (tenant_id, project_id);

CREATE TABLE project_groups (
    tenant_id   text                     NOT NULL DEFAULT 'default'::text,
    id          text                     NOT NULL,
    name        text                     NOT NULL,
    description text                     NOT NULL DEFAULT ''::text,
    metadata    jsonb                    NOT NULL DEFAULT '{}'::jsonb,
    import_id   uuid,
    created_at  timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT project_groups_pkey PRIMARY KEY (tenant_id, id)
);

CREATE TABLE projects (
    tenant_id   text                     NOT NULL DEFAULT 'default'::text,
    id          text                     NOT NULL,
    name        text                     NOT NULL,
    path        text,
    description text                     NOT NULL DEFAULT ''::text,
    tags        text[]                   NOT NULL DEFAULT '{}'::text[],
    metadata    jsonb                    NOT NULL DEFAULT '{}'::jsonb,
    created_at  timestamp with time zone NOT NULL DEFAULT now(),
    role        text,
    updated_at  timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT projects_pkey PRIMARY KEY (tenant_id, id)
);

CREATE TABLE rag_files (
    tenant_id     text                     NOT NULL DEFAULT 'default'::text,
    repo_id       text                     NOT NULL,
    path          text                     NOT NULL,
    blob_hash     bytea                    NOT NULL,
    settings_hash bytea                    NOT NULL,
    bytes         bigint                   NOT NULL,
    chunks        integer                  NOT NULL,
    memory_ids    uuid[]                   NOT NULL,
    ingested_at   timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT rag_files_pkey PRIMARY KEY (tenant_id, repo_id, path)
);

CREATE TABLE rag_ingestions (
    tenant_id   text                     NOT NULL DEFAULT 'default'::text,
    id          uuid                     NOT NULL,
    repo_id     text                     NOT NULL,
    repo_path   text                     NOT NULL,
    project_id  text,
    commit_id   text,
    status      text                     NOT NULL,
    files       integer                  NOT NULL DEFAULT 0,
    chunks      integer                  NOT NULL DEFAULT 0,
    counts      jsonb                    NOT NULL DEFAULT '{}'::jsonb,
    started_at  timestamp with time zone NOT NULL DEFAULT now(),
    finished_at timestamp with time zone,
    CONSTRAINT rag_ingestions_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT rag_ingestions_status_check CHECK ((status = ANY (ARRAY['running'::text, 'completed'::text, 'failed'::text, 'cancelled'::text])))
);
CREATE INDEX rag_ingestions_repo ON rag_ingestions USING btree (tenant_id, repo_id, started_at DESC);

CREATE TABLE recall_samples (
    id          bigint                   NOT NULL GENERATED ALWAYS AS IDENTITY,
    space_id    smallint                 NOT NULL,
    built_at    timestamp with time zone NOT NULL,
    effort      integer                  NOT NULL,
    expected    integer                  NOT NULL,
    returned    integer                  NOT NULL,
    found       integer                  NOT NULL,
    bound       double precision         NOT NULL,
    measured_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT recall_samples_pkey PRIMARY KEY (id),
    CONSTRAINT recall_samples_expected_check CHECK ((expected > 0)),
    CONSTRAINT recall_samples_space_id_fkey FOREIGN KEY (space_id) REFERENCES embedding_spaces(id) ON DELETE CASCADE
);
CREATE INDEX recall_samples_latest ON recall_samples USING btree (space_id, id);

CREATE TABLE sampled_queries (
    tenant_id  text                     NOT NULL DEFAULT 'default'::text,
    query_hash bytea                    NOT NULL,
    query      text                     NOT NULL,
    scope      jsonb                    NOT NULL DEFAULT '{}'::jsonb,
    asked_at   timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT sampled_queries_pkey PRIMARY KEY (tenant_id, query_hash)
);
CREATE INDEX sampled_queries_age ON sampled_queries USING btree (tenant_id, asked_at);

CREATE TABLE schema_versions (
    number     integer                  NOT NULL,
    name       text                     NOT NULL,
    checksum   text                     NOT NULL,
    applied_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT schema_versions_pkey PRIMARY KEY (number)
);

CREATE TABLE session_links (
    tenant_id      text                     NOT NULL DEFAULT 'default'::text,
    id             text                     NOT NULL,
    source_session text                     NOT NULL,
    target_session text                     NOT NULL,
    link_type      text                     NOT NULL,
    context        text                     NOT NULL DEFAULT ''::text,
    metadata       jsonb                    NOT NULL DEFAULT '{}'::jsonb,
    import_id      uuid,
    created_at     timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT session_links_pkey PRIMARY KEY (tenant_id, id)
);
CREATE INDEX session_links_source ON session_links USING btree (tenant_id, source_session);
CREATE INDEX session_links_target ON session_links USING btree (tenant_id, target_session);

CREATE TABLE workflow_executions (
    tenant_id        text                     NOT NULL DEFAULT 'default'::text,
    id               uuid                     NOT NULL,
    workflow_id      text                     NOT NULL,
    adapter          text                     NOT NULL,
    repos            text[]                   NOT NULL DEFAULT '{}'::text[],
    status           text                     NOT NULL,
    goal             text,
    input            jsonb,
    result           jsonb,
    error_message    text,
    started_at       timestamp with time zone,
    finished_at      timestamp with time zone,
    duration_seconds double precision,
    memory_id        uuid,
    created_at       timestamp with time zone NOT NULL DEFAULT now(),
    goal_key         text                     GENERATED ALWAYS AS (md5(lower(btrim(regexp_replace(goal, '[[:space:][:punct:]]+'::text, ' '::text, 'g'::text))))) STORED,
    CONSTRAINT workflow_executions_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT workflow_executions_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'running'::text, 'completed'::text, 'failed'::text, 'cancelled'::text])))
);
CREATE INDEX workflow_executions_goal ON workflow_executions USING btree (tenant_id, goal_key);
CREATE INDEX workflow_executions_recent ON workflow_executions USING btree (tenant_id, created_at DESC, id DESC);
CREATE INDEX workflow_executions_status ON workflow_executions USING btree (tenant_id, status, created_at DESC);
CREATE INDEX workflow_executions_workflow ON workflow_executions USING btree (tenant_id, workflow_id, created_at DESC);
