-- +goose Up
-- Addresses a signed-in shopper keeps for next time; erased with them.
CREATE TABLE addresses (
  id TEXT PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts(id),
  address TEXT NOT NULL,                       -- JSON, as orders keep it
  made_at ${X_INT} NOT NULL, used_at ${X_INT} NOT NULL,
  UNIQUE (account_id, address)
) ${X_STRICT};
-- +goose Down
