-- +goose Up
-- The platform's label that a sample went with, as it was bought. 0: its brand carried it.
ALTER TABLE samples ADD COLUMN label_id TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN label_account TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN label_service TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN label_minor ${X_INT} NOT NULL DEFAULT 0;
-- +goose Down
