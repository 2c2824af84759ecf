-- +goose Up
-- Payments: intents of ours, and the sandbox provider's own books beside them.
CREATE TABLE payments (
  id TEXT PRIMARY KEY,                        -- also the idempotency key at the provider
  order_id TEXT NOT NULL, attempt BIGINT NOT NULL, provider TEXT NOT NULL, method TEXT NOT NULL DEFAULT '',
  amount_minor BIGINT NOT NULL, currency TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('created','redirected','succeeded','declined','cancelled')),
  provider_ref TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', redirect_until BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, UNIQUE (order_id, attempt)
) ${X_STRICT};
CREATE TABLE sandbox_charges (
  id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, request_hash TEXT NOT NULL,
  amount_minor BIGINT NOT NULL, currency TEXT NOT NULL, method TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('requires_action','succeeded','declined','cancelled')),
  reason TEXT NOT NULL DEFAULT '', secret TEXT NOT NULL DEFAULT '', return_url TEXT NOT NULL DEFAULT '',
  refunded_minor BIGINT NOT NULL DEFAULT 0, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
) ${X_STRICT};
-- +goose Down
