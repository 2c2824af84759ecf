-- +goose Up
-- Until when somebody is handing evidence to the provider: one at a time, so that what was said last arrives last.
ALTER TABLE disputes ADD COLUMN handing_until ${X_INT} NOT NULL DEFAULT 0;
-- +goose Down
