-- How migrations are written: one file serves both engines. Before it is run, these stand-ins
-- are replaced (internal/db/schema.go); goose's own ENVSUB is not used.
--   ${X_INT}      a whole number of 64 bits            INTEGER   / BIGINT
--   ${X_FLAG}     0 or 1                               INTEGER   / SMALLINT
--   ${X_JSON}     a JSON document, kept as text        TEXT      / TEXT
--   ${X_BLOB}     bytes                                BLOB      / BYTEA
--   ${X_FLOAT}    a float (never money)                REAL      / DOUBLE PRECISION
--   ${X_SERIAL}   a numbered primary key               INTEGER PRIMARY KEY / BIGINT … IDENTITY PRIMARY KEY
--                 (SQLite gives the number of a deleted last row again)
--   ${X_STRICT}   after the last parenthesis           STRICT    / nothing
-- BIGINT and SMALLINT by their own names do as well.
-- A line that begins with ${X_SQLITE} or ${X_POSTGRES} stands for that engine alone.
-- A line ${X_APPEND_ONLY table} lets rows of the table be added only, never changed or deleted.
-- A line ${X_KEEP table (column, column)} forbids to change those columns and to delete rows.
-- Files are numbered in the order they run; a file that has landed is never changed.

-- +goose Up
${X_POSTGRES}-- +goose StatementBegin
${X_POSTGRES}CREATE FUNCTION mezzo_append_only() RETURNS trigger LANGUAGE plpgsql AS $f$
${X_POSTGRES}BEGIN
${X_POSTGRES}  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23514';
${X_POSTGRES}END $f$;
${X_POSTGRES}-- +goose StatementEnd

-- Marks of this database: its name in the log, what a backup was taken from.
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) ${X_STRICT};

-- Facts written by the transaction that made them true. relay_seq is contiguous in the order
-- of relaying, and empty until the relay has numbered the row.
CREATE TABLE outbox (
  id         ${X_SERIAL},
  relay_seq  ${X_INT},
  topic      TEXT NOT NULL,
  body       ${X_JSON} NOT NULL,
  created_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE INDEX outbox_new ON outbox (id) WHERE relay_seq IS NULL;
CREATE UNIQUE INDEX outbox_seq ON outbox (relay_seq) WHERE relay_seq IS NOT NULL;

-- One row: how far numbering and delivery have come.
CREATE TABLE relay (
  one       ${X_INT} PRIMARY KEY CHECK (one = 1),
  numbered  ${X_INT} NOT NULL,
  delivered ${X_INT} NOT NULL
) ${X_STRICT};
INSERT INTO relay (one, numbered, delivered) VALUES (1, 0, 0);

-- The first answer to a request with an Idempotency-Key, stored with its effect.
CREATE TABLE idempotency (
  actor      TEXT NOT NULL,
  route      TEXT NOT NULL,
  key        TEXT NOT NULL,
  hash       TEXT NOT NULL,
  answer     ${X_JSON} NOT NULL,
  created_at ${X_INT} NOT NULL,
  PRIMARY KEY (actor, route, key)
) ${X_STRICT};
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE leases (
  name     TEXT PRIMARY KEY,
  holder   TEXT NOT NULL,
  until_at ${X_INT} NOT NULL
) ${X_STRICT};

CREATE TABLE jobs (
  id          TEXT PRIMARY KEY,
  kind        TEXT NOT NULL,
  body        ${X_JSON} NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
  attempts    ${X_INT} NOT NULL DEFAULT 0,
  run_at      ${X_INT} NOT NULL,
  holder      TEXT NOT NULL DEFAULT '',
  lease_until ${X_INT} NOT NULL DEFAULT 0,
  progress    ${X_INT} NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
  error       TEXT NOT NULL DEFAULT '',
  created_at  ${X_INT} NOT NULL,
  ended_at    ${X_INT} NOT NULL DEFAULT 0
) ${X_STRICT};
CREATE INDEX jobs_waiting ON jobs (run_at, id) WHERE state = 'waiting';
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_ended ON jobs (ended_at) WHERE state IN ('done', 'failed');

-- Secrets that tokens are signed with; the newest signs, the newest two verify.
CREATE TABLE signing_keys (
  serial     ${X_INT} PRIMARY KEY,
  secret     ${X_BLOB} NOT NULL,
  created_at ${X_INT} NOT NULL
) ${X_STRICT};
