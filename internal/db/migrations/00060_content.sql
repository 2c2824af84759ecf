-- +goose Up
-- Content: videos and what people do with them in the open.
CREATE TABLE videos (
  id TEXT PRIMARY KEY, creator_id TEXT NOT NULL REFERENCES creators(id), account_id TEXT NOT NULL,
  upload_id TEXT NOT NULL DEFAULT '', poster_image_id TEXT NOT NULL DEFAULT '',
  caption TEXT NOT NULL DEFAULT '', hashtags TEXT NOT NULL DEFAULT '[]',
  disclosure TEXT NOT NULL DEFAULT '[]',      -- JSON set: commission | sample | own_brand; only grows
  category TEXT NOT NULL DEFAULT '',          -- of its first product
  state TEXT NOT NULL CHECK (state IN ('processing','ready','failed')),
  failed_reason TEXT NOT NULL DEFAULT '', progress ${X_INT} NOT NULL DEFAULT 0,
  duration_ms ${X_INT} NOT NULL DEFAULT 0, width ${X_INT} NOT NULL DEFAULT 0, height ${X_INT} NOT NULL DEFAULT 0,
  poster TEXT NOT NULL DEFAULT '',            -- blob name
  standing TEXT NOT NULL DEFAULT 'visible' CHECK (standing IN ('visible','limited','removed')),
  standing_reason TEXT NOT NULL DEFAULT '', standing_by TEXT NOT NULL DEFAULT '', standing_at ${X_INT} NOT NULL DEFAULT 0,
  version ${X_INT} NOT NULL DEFAULT 1, created_at ${X_INT} NOT NULL, ready_at ${X_INT} NOT NULL DEFAULT 0,
  deleted_at ${X_INT} NOT NULL DEFAULT 0
) ${X_STRICT};
CREATE INDEX videos_creator ON videos(creator_id, id);
CREATE TABLE video_products (
  video_id TEXT NOT NULL REFERENCES videos(id), product_id TEXT NOT NULL REFERENCES products(id),
  brand_id TEXT NOT NULL, position ${X_INT} NOT NULL, PRIMARY KEY (video_id, product_id)
) ${X_STRICT};
CREATE INDEX video_products_product ON video_products(product_id);
CREATE TABLE likes (
  video_id TEXT NOT NULL REFERENCES videos(id), account_id TEXT NOT NULL, created_at ${X_INT} NOT NULL,
  PRIMARY KEY (video_id, account_id)
) ${X_STRICT};
CREATE TABLE comments (
  id TEXT PRIMARY KEY, video_id TEXT NOT NULL REFERENCES videos(id), account_id TEXT NOT NULL,
  reply_to TEXT NOT NULL DEFAULT '', text TEXT NOT NULL,
  standing TEXT NOT NULL DEFAULT 'visible' CHECK (standing IN ('visible','limited','removed')),
  standing_reason TEXT NOT NULL DEFAULT '', standing_by TEXT NOT NULL DEFAULT '', standing_at ${X_INT} NOT NULL DEFAULT 0,
  created_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE INDEX comments_video ON comments(video_id, id);
CREATE TABLE follows (
  account_id TEXT NOT NULL, creator_id TEXT NOT NULL REFERENCES creators(id), created_at ${X_INT} NOT NULL,
  PRIMARY KEY (account_id, creator_id)
) ${X_STRICT};
CREATE INDEX follows_creator ON follows(creator_id);
CREATE TABLE reports (
  id TEXT PRIMARY KEY, subject_kind TEXT NOT NULL, subject_id TEXT NOT NULL, account_id TEXT NOT NULL DEFAULT '',
  viewer_id TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL, created_at ${X_INT} NOT NULL, closed_at ${X_INT} NOT NULL DEFAULT 0
) ${X_STRICT};
CREATE INDEX reports_subject ON reports(subject_kind, subject_id);
CREATE TABLE standings (                      -- every change of standing, never edited: the newest is in force
  id TEXT PRIMARY KEY, subject_kind TEXT NOT NULL CHECK (subject_kind IN ('video','product','comment','account')),
  subject_id TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, reason TEXT NOT NULL, actor TEXT NOT NULL,
  undoes TEXT NOT NULL DEFAULT '', created_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE INDEX standings_subject ON standings(subject_kind, subject_id, id);
${X_APPEND_ONLY standings}
-- +goose Down
