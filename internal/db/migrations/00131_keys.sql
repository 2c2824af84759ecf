-- +goose Up
-- A signing key is announced before it signs, so that no node meets a token it cannot read; and it is
-- known who turned the keys: 'schedule', 'command', or an operator's account.
ALTER TABLE signing_keys ADD COLUMN signs_at ${X_INT} NOT NULL DEFAULT 0;
ALTER TABLE signing_keys ADD COLUMN made_by TEXT NOT NULL DEFAULT '';
-- +goose Down
