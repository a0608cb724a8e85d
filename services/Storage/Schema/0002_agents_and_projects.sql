-- Conversations and workflow runs beside their memories; projects and what connects them; the knowledge graph; imports.

CREATE TABLE agent_conversations (
    tenant_id   text        NOT NULL DEFAULT 'default',
    session_id  text        NOT NULL,
    ordinal     int         NOT NULL,
    agent_id    text,
    role        text        NOT NULL CHECK (role IN ('system', 'user', 'assistant', 'tool')),
    memory_id   uuid        NOT NULL,
    occurred_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, session_id, ordinal)
);
CREATE INDEX agent_conversations_memory ON agent_conversations (tenant_id, memory_id);

CREATE TABLE workflow_executions (
    tenant_id        text        NOT NULL DEFAULT 'default',
    id               uuid        NOT NULL,
    workflow_id      text        NOT NULL,
    adapter          text        NOT NULL,
    repos            text[]      NOT NULL DEFAULT '{}',
    status           text        NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    goal             text,
    input            jsonb,
    result           jsonb,
    error_message    text,
    started_at       timestamptz,
    finished_at      timestamptz,
    duration_seconds double precision,
    memory_id        uuid,
    created_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX workflow_executions_workflow ON workflow_executions (tenant_id, workflow_id, created_at DESC);
CREATE INDEX workflow_executions_status   ON workflow_executions (tenant_id, status, created_at DESC);

CREATE TABLE projects (
    tenant_id   text        NOT NULL DEFAULT 'default',
    id          text        NOT NULL,
    name        text        NOT NULL,
    path        text,
    description text        NOT NULL DEFAULT '',
    tags        text[]      NOT NULL DEFAULT '{}',
    metadata    jsonb       NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE project_groups (
    tenant_id   text        NOT NULL DEFAULT 'default',
    id          text        NOT NULL,
    name        text        NOT NULL,
    description text        NOT NULL DEFAULT '',
    metadata    jsonb       NOT NULL DEFAULT '{}',
    import_id   uuid,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE project_group_members (
    tenant_id  text NOT NULL DEFAULT 'default',
    group_id   text NOT NULL,
    project_id text NOT NULL,
    PRIMARY KEY (tenant_id, group_id, project_id),
    FOREIGN KEY (tenant_id, group_id) REFERENCES project_groups ON DELETE CASCADE
);
CREATE INDEX project_group_members_project ON project_group_members (tenant_id, project_id);

CREATE TABLE project_dependencies (
    tenant_id       text        NOT NULL DEFAULT 'default',
    id              text        NOT NULL,
    source_project  text        NOT NULL,
    target_project  text        NOT NULL,
    dependency_type text        NOT NULL,              -- uses, extends, references, shares_code; unknown ones are kept
    description     text        NOT NULL DEFAULT '',
    metadata        jsonb       NOT NULL DEFAULT '{}',
    import_id       uuid,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX project_dependencies_source ON project_dependencies (tenant_id, source_project);
CREATE INDEX project_dependencies_target ON project_dependencies (tenant_id, target_project);

CREATE TABLE session_links (
    tenant_id      text        NOT NULL DEFAULT 'default',
    id             text        NOT NULL,
    source_session text        NOT NULL,
    target_session text        NOT NULL,
    link_type      text        NOT NULL,
    context        text        NOT NULL DEFAULT '',
    metadata       jsonb       NOT NULL DEFAULT '{}',
    import_id      uuid,
    created_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX session_links_source ON session_links (tenant_id, source_session);
CREATE INDEX session_links_target ON session_links (tenant_id, target_session);

CREATE TABLE insight_shares (
    tenant_id  text        NOT NULL DEFAULT 'default',
    memory_id  uuid        NOT NULL,
    project_id text        NOT NULL,
    shared_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, memory_id, project_id)
);
CREATE INDEX insight_shares_project ON insight_shares (tenant_id, project_id);

CREATE TABLE kg_entities (
    tenant_id   text        NOT NULL DEFAULT 'default',
    id          text        NOT NULL,
    name        text        NOT NULL,
    entity_type text        NOT NULL,
    observations text[]     NOT NULL DEFAULT '{}',
    properties  jsonb       NOT NULL DEFAULT '{}',
    import_id   uuid,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX kg_entities_name ON kg_entities (tenant_id, name);

CREATE TABLE kg_relationships (
    tenant_id     text        NOT NULL DEFAULT 'default',
    id            text        NOT NULL,
    from_entity   text        NOT NULL,
    to_entity     text        NOT NULL,
    relation_type text        NOT NULL,
    properties    jsonb       NOT NULL DEFAULT '{}',
    memory_id     uuid,                                -- the edge as a sentence
    import_id     uuid,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, from_entity) REFERENCES kg_entities ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, to_entity) REFERENCES kg_entities ON DELETE CASCADE
);
CREATE INDEX kg_relationships_from ON kg_relationships (tenant_id, from_entity);
CREATE INDEX kg_relationships_to   ON kg_relationships (tenant_id, to_entity);

CREATE TABLE causal_links (
    tenant_id  text        NOT NULL DEFAULT 'default',
    id         text        NOT NULL,
    cause_id   text        NOT NULL,
    effect_id  text        NOT NULL,
    link_type  text        NOT NULL,
    confidence double precision,
    metadata   jsonb       NOT NULL DEFAULT '{}',
    import_id  uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE imports (
    tenant_id   text        NOT NULL DEFAULT 'default',
    id          uuid        NOT NULL,
    path        text        NOT NULL,
    file_hash   bytea,
    status      text        NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'cancelled', 'undone')),
    time_zone   text        NOT NULL,
    options     jsonb       NOT NULL DEFAULT '{}',
    report      jsonb,
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE import_tables (
    tenant_id  text   NOT NULL DEFAULT 'default',
    import_id  uuid   NOT NULL,
    file       text   NOT NULL,
    name       text   NOT NULL,
    cursor     bigint NOT NULL DEFAULT 0,              -- rows of the source table that are done
    read       bigint NOT NULL DEFAULT 0,
    imported   bigint NOT NULL DEFAULT 0,
    duplicate  bigint NOT NULL DEFAULT 0,
    rejected   bigint NOT NULL DEFAULT 0,
    finished   boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, import_id, file, name),
    FOREIGN KEY (tenant_id, import_id) REFERENCES imports ON DELETE CASCADE
);

CREATE TABLE import_rejects (
    tenant_id text   NOT NULL DEFAULT 'default',
    import_id uuid   NOT NULL,
    file      text   NOT NULL,
    name      text   NOT NULL,
    row       bigint NOT NULL,
    reason    text   NOT NULL,
    raw       jsonb  NOT NULL,
    PRIMARY KEY (tenant_id, import_id, file, name, row),
    FOREIGN KEY (tenant_id, import_id) REFERENCES imports ON DELETE CASCADE
);
