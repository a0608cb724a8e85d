-- What was asked, how often, and how well it was answered: what a project asks in vain. Bounded in number and age; see Search:AskedQuestions.
CREATE TABLE asked_questions (
    tenant_id       text        NOT NULL DEFAULT 'default',
    project_id      text        NOT NULL DEFAULT '',     -- the one that asked; '' for a question about everything
    question_key    bytea       NOT NULL,                -- the same question, whatever its case, spacing and punctuation
    question        text        NOT NULL,                -- as it was asked last
    asked           bigint      NOT NULL,
    unanswered      bigint      NOT NULL,                -- how often nothing was found
    hits            int         NOT NULL,                -- the last time, as are the two that follow
    best_similarity double precision,
    model           text,
    first_at        timestamptz NOT NULL,
    last_at         timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, project_id, question_key)
);
CREATE INDEX asked_questions_age ON asked_questions (tenant_id, last_at);
