-- +goose Up
-- Media: what people send, what is made of it, and which blobs that keeps.
CREATE TABLE uploads (
  id TEXT PRIMARY KEY, account_id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('receiving','finished','refused','claimed','done')),
  size ${X_INT} NOT NULL CHECK (size > 0),    -- bytes announced
  filename TEXT NOT NULL DEFAULT '',          -- as the sender calls it: shown to nobody else, believed by nothing
  info ${X_JSON} NOT NULL DEFAULT '',         -- what it is by its content, once it has arrived
  reason TEXT NOT NULL DEFAULT '',            -- why it was refused, for the sender
  video_id TEXT NOT NULL DEFAULT '', poster_image_id TEXT NOT NULL DEFAULT '', job_id TEXT NOT NULL DEFAULT '',
  created_at ${X_INT} NOT NULL, finished_at ${X_INT} NOT NULL DEFAULT 0
) ${X_STRICT};
CREATE INDEX uploads_account ON uploads(account_id, created_at);
CREATE INDEX uploads_open ON uploads(state, created_at) WHERE state <> 'done';
CREATE TABLE images (
  id TEXT PRIMARY KEY, account_id TEXT NOT NULL,
  large TEXT NOT NULL, width ${X_INT} NOT NULL, height ${X_INT} NOT NULL,
  small TEXT NOT NULL,                        -- blob names, both JPEG
  created_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE INDEX images_account ON images(account_id, created_at);
CREATE INDEX images_large ON images(large);
CREATE INDEX images_small ON images(small);
CREATE TABLE renditions (
  video_id TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('original','720p','480p','poster')),
  name TEXT NOT NULL,                         -- of the blob
  type TEXT NOT NULL, width ${X_INT} NOT NULL, height ${X_INT} NOT NULL,
  bitrate_bps ${X_INT} NOT NULL, bytes ${X_INT} NOT NULL, created_at ${X_INT} NOT NULL,
  PRIMARY KEY (video_id, role)
) ${X_STRICT};
CREATE INDEX renditions_name ON renditions(name);
-- The blobs of this room. A row is written before the blob's bytes are, and goes after them: one that
-- nothing above names, and nobody has touched for a day, is 'leaving' while its bytes are removed.
CREATE TABLE media_files (
  name TEXT PRIMARY KEY, state TEXT NOT NULL CHECK (state IN ('kept','leaving')), touched_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE INDEX media_files_touched ON media_files(touched_at);
-- +goose Down
