-- +goose Up
-- Debts of brands and creators that an operator has given up, with the reason. Above the limit another operator must
-- agree before anything is booked.
CREATE TABLE write_offs (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, currency TEXT NOT NULL,
  amount_minor ${X_INT} NOT NULL CHECK (amount_minor > 0),
  reason TEXT NOT NULL, approvals ${X_INT} NOT NULL CHECK (approvals IN (0,1)),   -- how many others must agree
  made_by TEXT NOT NULL, created_at ${X_INT} NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting','booked','declined')),
  decided_by TEXT NOT NULL DEFAULT '', decided_at ${X_INT} NOT NULL DEFAULT 0, note TEXT NOT NULL DEFAULT ''
) ${X_STRICT};
CREATE UNIQUE INDEX write_offs_waiting ON write_offs(owner, currency) WHERE state = 'waiting';
CREATE INDEX write_offs_of ON write_offs(owner, currency, created_at);
${X_KEEP write_offs (owner, currency, amount_minor, reason, approvals, made_by, created_at)}
-- +goose Down
