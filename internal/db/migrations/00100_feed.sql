-- +goose Up
-- Feed: what a viewer asked never to see again.
CREATE TABLE hides (
  viewer_id TEXT NOT NULL, video_id TEXT NOT NULL, at ${X_INT} NOT NULL,
  PRIMARY KEY (viewer_id, video_id)
) ${X_STRICT};
-- A page leaves out what its viewer reported.
CREATE INDEX reports_viewer ON reports(viewer_id) WHERE viewer_id <> '';
CREATE INDEX reports_account ON reports(account_id) WHERE account_id <> '';
-- +goose Down
