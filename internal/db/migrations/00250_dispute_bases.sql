-- +goose Up
-- What of the line's commission base a share takes; -1 on rows from before it was kept.
ALTER TABLE dispute_shares ADD COLUMN base_minor ${X_INT} NOT NULL DEFAULT -1;
-- +goose Down
