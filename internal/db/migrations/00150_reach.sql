-- +goose Up
-- Ranking policies: every version that was ever written down, by whom and why; and every split of viewers
-- between versions. The newest split is in force; a rollback is another one.
CREATE TABLE policy_versions (
  policy_id TEXT NOT NULL, version ${X_INT} NOT NULL CHECK (version > 0), name TEXT NOT NULL,
  weights ${X_JSON} NOT NULL,
  reason TEXT NOT NULL, made_by TEXT NOT NULL, made_at ${X_INT} NOT NULL,
  PRIMARY KEY (policy_id, version)
) ${X_STRICT};
CREATE UNIQUE INDEX policy_versions_name ON policy_versions (name, version);
${X_APPEND_ONLY policy_versions}
CREATE TABLE policy_splits (
  number ${X_INT} PRIMARY KEY CHECK (number > 0),
  shares ${X_JSON} NOT NULL,
  rolls_back ${X_INT} NOT NULL DEFAULT 0,      -- the split whose shares these are again; 0: none
  reason TEXT NOT NULL, made_by TEXT NOT NULL, made_at ${X_INT} NOT NULL
) ${X_STRICT};
${X_APPEND_ONLY policy_splits}
-- What a creator holds against how their video was distributed, and what the operator answered.
CREATE TABLE reach_disputes (
  id TEXT PRIMARY KEY, video_id TEXT NOT NULL, creator_id TEXT NOT NULL, account_id TEXT NOT NULL,
  reason TEXT NOT NULL, stood ${X_JSON} NOT NULL,  -- how it stood when the dispute was made
  made_at ${X_INT} NOT NULL,
  answer TEXT NOT NULL DEFAULT '', answered_by TEXT NOT NULL DEFAULT '', answered_at ${X_INT} NOT NULL DEFAULT 0
) ${X_STRICT};
${X_KEEP reach_disputes (video_id, creator_id, stood, made_at)}
CREATE INDEX reach_disputes_video ON reach_disputes (video_id);
CREATE UNIQUE INDEX reach_disputes_open ON reach_disputes (video_id) WHERE answered_at = 0;
-- Whom a viewer wants to see no more, and whether their feed may go by what they did. Of somebody signed in
-- the holder is the account too, so that it holds on all their devices.
CREATE TABLE creator_hides (
  viewer_id TEXT NOT NULL, creator_id TEXT NOT NULL, at ${X_INT} NOT NULL,
  PRIMARY KEY (viewer_id, creator_id)
) ${X_STRICT};
CREATE TABLE feed_choices (
  holder TEXT PRIMARY KEY, profiling ${X_FLAG} NOT NULL CHECK (profiling IN (0,1)), at ${X_INT} NOT NULL
) ${X_STRICT};
-- +goose Down
