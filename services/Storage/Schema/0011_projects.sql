-- What a project is among the others, and who shared what with whom.
ALTER TABLE projects ADD COLUMN role text;
ALTER TABLE projects ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();

-- A share is with a project or with whoever is a member of a group by then. One that is withdrawn stays as history and counts no longer.
ALTER TABLE insight_shares DROP CONSTRAINT insight_shares_pkey;
ALTER TABLE insight_shares
    ALTER COLUMN project_id DROP NOT NULL,
    ADD COLUMN id           uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN group_id     text,
    ADD COLUMN shared_by    text,
    ADD COLUMN reason       text,
    ADD COLUMN withdrawn_at timestamptz,
    ADD COLUMN withdrawn_by text,
    ADD PRIMARY KEY (tenant_id, id),
    ADD CONSTRAINT insight_shares_with_check CHECK (num_nonnulls(project_id, group_id) = 1);
CREATE INDEX insight_shares_memory ON insight_shares (tenant_id, memory_id);
CREATE UNIQUE INDEX insight_shares_standing_project ON insight_shares (tenant_id, project_id, memory_id) WHERE withdrawn_at IS NULL AND project_id IS NOT NULL;
CREATE UNIQUE INDEX insight_shares_standing_group ON insight_shares (tenant_id, group_id, memory_id) WHERE withdrawn_at IS NULL AND group_id IS NOT NULL;
DROP INDEX insight_shares_project;
