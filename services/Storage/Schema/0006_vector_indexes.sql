-- Which kind of index a space has, of which size it was built, and what real searches find by it.

ALTER TABLE embedding_spaces
    ADD COLUMN wanted_index   text CHECK (wanted_index IN ('hnsw', 'hnsw-vector', 'ivfflat', 'none')), -- asked for this space; NULL: as the settings say
    ADD COLUMN wanted_lists   int,
    ADD COLUMN wanted_probes  int,
    ADD COLUMN index_kind     text CHECK (index_kind IN ('hnsw', 'hnsw-vector', 'ivfflat')),           -- what there is; NULL: none
    ADD COLUMN index_lists    int,
    ADD COLUMN index_probes   int,
    ADD COLUMN index_rows     bigint,                                                                 -- vectors in it when it was built
    ADD COLUMN index_gone     bigint,                                                                 -- vectors that had ever gone from the table by then
    ADD COLUMN index_built_at timestamptz;
UPDATE embedding_spaces SET index_kind = 'hnsw', index_built_at = now() WHERE index_state = 'ready';

-- Real searches run again exactly, the latest of each space: how many of the nearest the index found.
CREATE TABLE recall_samples (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    space_id    smallint    NOT NULL REFERENCES embedding_spaces ON DELETE CASCADE,
    built_at    timestamptz NOT NULL,                  -- of which index
    effort      int         NOT NULL,                  -- ef_search or probes it was asked with
    expected    int         NOT NULL CHECK (expected > 0), -- the exact answer's memories
    returned    int         NOT NULL,                  -- those by the index
    found       int         NOT NULL,                  -- in both
    bound       float8      NOT NULL,                  -- the share below which whoever measured it warns
    measured_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX recall_samples_latest ON recall_samples (space_id, id);
