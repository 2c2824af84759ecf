-- +goose Up
-- What brands are told at their own addresses.
CREATE TABLE webhooks (
  id TEXT PRIMARY KEY, brand_id TEXT NOT NULL, url TEXT NOT NULL, topics ${X_JSON} NOT NULL,  -- ["order.paid", …]; [] is all
  secret ${X_BLOB} NOT NULL, old_secret ${X_BLOB}, old_until ${X_INT} NOT NULL DEFAULT 0,      -- both sign until then
  state TEXT NOT NULL CHECK (state IN ('active','paused','disabled')),
  reason TEXT NOT NULL DEFAULT '',             -- why it was disabled
  changed_at ${X_INT} NOT NULL,                -- of its state
  failing_since ${X_INT} NOT NULL DEFAULT 0,   -- the first refusal since the last success; 0: none
  last_success_at ${X_INT} NOT NULL DEFAULT 0,
  made_by TEXT NOT NULL, created_at ${X_INT} NOT NULL, version ${X_INT} NOT NULL DEFAULT 1
) ${X_STRICT};
CREATE INDEX webhooks_brand ON webhooks(brand_id);
-- What there is to tell, as it is sent: the same bytes at every attempt.
CREATE TABLE webhook_messages (
  id TEXT PRIMARY KEY, brand_id TEXT NOT NULL, topic TEXT NOT NULL, body TEXT NOT NULL, created_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE INDEX webhook_messages_old ON webhook_messages(created_at);
CREATE TABLE webhook_deliveries (
  webhook_id TEXT NOT NULL, message_id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting','delivered','failed','held')),   -- held: the webhook was not active
  attempts ${X_INT} NOT NULL DEFAULT 0, begun_at ${X_INT} NOT NULL,               -- from when the three days count
  next_at ${X_INT} NOT NULL DEFAULT 0, last_at ${X_INT} NOT NULL DEFAULT 0,
  last_status ${X_INT} NOT NULL DEFAULT 0, last_error TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (webhook_id, message_id)
) ${X_STRICT};
CREATE INDEX webhook_deliveries_due ON webhook_deliveries(next_at) WHERE state = 'waiting';
-- How far the outbox has been told on; one row.
CREATE TABLE webhook_position (one ${X_INT} PRIMARY KEY CHECK (one = 1), relay_seq ${X_INT} NOT NULL) ${X_STRICT};
INSERT INTO webhook_position (one, relay_seq) SELECT 1, numbered FROM relay WHERE one = 1;
-- +goose Down
