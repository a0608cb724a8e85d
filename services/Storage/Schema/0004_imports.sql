-- What an import has done, file by file and row by row: so that it can be continued after a crash, checked against its
-- source, and undone as a whole without touching what was there before it.

-- imports.file_hash is of all files and of the settings that decide what becomes of them: an unfinished import with the
-- same one is continued. imports.report is the verification; the counts are in import_tables, as they grow.
ALTER TABLE imports ADD COLUMN operation_id uuid;      -- which operation worked on it last
CREATE UNIQUE INDEX imports_unfinished ON imports (tenant_id, file_hash) WHERE status = 'running';
CREATE INDEX imports_recent ON imports (tenant_id, started_at DESC, id DESC);

CREATE TABLE import_files (
    tenant_id   text     NOT NULL DEFAULT 'default',
    import_id   uuid     NOT NULL,
    number      smallint NOT NULL,                     -- in the order of import
    path        text     NOT NULL,
    hash        bytea,                                 -- NULL: could not be read, skipped says why
    bytes       bigint   NOT NULL DEFAULT 0,
    generations text[]   NOT NULL DEFAULT '{}',
    skipped     jsonb    NOT NULL DEFAULT '[]',
    PRIMARY KEY (tenant_id, import_id, number),
    FOREIGN KEY (tenant_id, import_id) REFERENCES imports ON DELETE CASCADE
);

ALTER TABLE import_tables
    ADD COLUMN file_number         smallint NOT NULL DEFAULT 0,
    ADD COLUMN number              smallint NOT NULL DEFAULT 0,      -- in the order of import
    ADD COLUMN role                text     NOT NULL DEFAULT 'text', -- text, entities, edges, carried
    ADD COLUMN rows                bigint   NOT NULL DEFAULT 0,      -- what the source says it has
    ADD COLUMN sentences_imported  bigint   NOT NULL DEFAULT 0,      -- edges: as memories
    ADD COLUMN sentences_duplicate bigint   NOT NULL DEFAULT 0,
    ADD COLUMN by_name             bigint   NOT NULL DEFAULT 0,      -- edges: rejected by id, taken over by the name of an end
    ADD COLUMN seconds             double precision NOT NULL DEFAULT 0;

-- Which memory and which object (edge:ID, entity:ID, group:ID, …) each row of the source became. Rejects are in
-- import_rejects; rows that went into others (tags, access counts) in neither.
CREATE TABLE import_rows (
    tenant_id    text     NOT NULL DEFAULT 'default',
    import_id    uuid     NOT NULL,
    file_number  smallint NOT NULL,
    table_number smallint NOT NULL,
    row          bigint   NOT NULL,
    made         boolean  NOT NULL,                    -- the memory is this row's; else it was there
    memory_id    uuid,
    object       text,
    source_id    text,                                 -- what other tables of the source call it
    PRIMARY KEY (tenant_id, import_id, file_number, table_number, row)
);
CREATE INDEX import_rows_memory ON import_rows (tenant_id, memory_id) WHERE memory_id IS NOT NULL;
CREATE INDEX import_rows_object ON import_rows (tenant_id, object) WHERE object IS NOT NULL;
CREATE INDEX kg_entities_import ON kg_entities (tenant_id, import_id) WHERE import_id IS NOT NULL;
