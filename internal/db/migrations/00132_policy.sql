-- +goose Up
-- Which versions of which policies the log has been told of, so that each is told once.
CREATE TABLE policies (
  id TEXT NOT NULL, version ${X_INT} NOT NULL, name TEXT NOT NULL,
  share_bps ${X_INT} NOT NULL CHECK (share_bps BETWEEN 0 AND 10000), in_force_at ${X_INT} NOT NULL,
  PRIMARY KEY (id, version)
) ${X_STRICT};
ALTER TABLE shipping_options ADD COLUMN version ${X_INT} NOT NULL DEFAULT 1;
-- +goose Down
