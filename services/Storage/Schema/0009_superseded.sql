-- One memory in the place of another: since when, and who stands in whose place. What was valid at a time is read from memory_history, where each
-- superseding and its reverse leave what was there before.

ALTER TABLE memories ADD COLUMN superseded_at timestamptz;
UPDATE memories SET superseded_at = updated_at WHERE superseded_by IS NOT NULL;
CREATE INDEX memories_superseded ON memories (tenant_id, superseded_by) WHERE superseded_by IS NOT NULL;

ALTER TABLE memory_history DROP CONSTRAINT memory_history_change_check;
ALTER TABLE memory_history ADD CONSTRAINT memory_history_change_check CHECK (change IN ('update', 'delete', 'restore', 'supersede', 'unsupersede'));
