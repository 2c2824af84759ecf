-- +goose Up
-- Payments: intents of ours, and the sandbox provider's own books beside them.
CREATE TABLE payments (
  id TEXT PRIMARY KEY,                        -- also the idempotency key at the provider
  order_id TEXT NOT NULL, attempt ${X_INT} NOT NULL, provider TEXT NOT NULL, method TEXT NOT NULL DEFAULT '',
  amount_minor ${X_INT} NOT NULL, currency TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('created','started','redirected','succeeded','declined','cancelled','returning','refunded')),
  provider_ref TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', redirect_until ${X_INT} NOT NULL DEFAULT 0,
  created_at ${X_INT} NOT NULL, updated_at ${X_INT} NOT NULL, UNIQUE (order_id, attempt)
) ${X_STRICT};
CREATE INDEX payments_waiting ON payments(updated_at) WHERE state IN ('started','redirected','returning');
CREATE TABLE sandbox_charges (
  id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, request_hash TEXT NOT NULL,
  amount_minor ${X_INT} NOT NULL, currency TEXT NOT NULL, method TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('requires_action','succeeded','declined','cancelled')),
  reason TEXT NOT NULL DEFAULT '', secret TEXT NOT NULL DEFAULT '', return_url TEXT NOT NULL DEFAULT '',
  refunded_minor ${X_INT} NOT NULL DEFAULT 0, created_at ${X_INT} NOT NULL, updated_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE TABLE sandbox_refunds (
  key TEXT PRIMARY KEY, charge_key TEXT NOT NULL, amount_minor ${X_INT} NOT NULL CHECK (amount_minor > 0), currency TEXT NOT NULL, created_at ${X_INT} NOT NULL
) ${X_STRICT};
-- +goose Down
