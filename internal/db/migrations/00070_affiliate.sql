-- +goose Up
-- Affiliate: programs, who promotes what, the clicks that may earn, and what was earned.
CREATE TABLE programs (
  id TEXT PRIMARY KEY, brand_id TEXT NOT NULL REFERENCES brands(id),
  kind TEXT NOT NULL CHECK (kind IN ('open','targeted')), name TEXT NOT NULL,
  commission_bps ${X_INT} NOT NULL CHECK (commission_bps BETWEEN 100 AND 8000),
  window_hours ${X_INT} NOT NULL CHECK (window_hours BETWEEN 1 AND 2160),
  hold_days ${X_INT} NOT NULL CHECK (hold_days BETWEEN 0 AND 60),
  all_products ${X_FLAG} NOT NULL CHECK (all_products IN (0,1)),
  starts_at ${X_INT} NOT NULL DEFAULT 0, ends_at ${X_INT} NOT NULL DEFAULT 0,
  budget_minor ${X_INT} NOT NULL DEFAULT 0,   -- 0: none
  spent_minor ${X_INT} NOT NULL DEFAULT 0,    -- commissions not reversed; kept only while there is a budget
  currency TEXT NOT NULL,
  version ${X_INT} NOT NULL DEFAULT 1, created_at ${X_INT} NOT NULL, updated_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE INDEX programs_brand ON programs(brand_id, id);
CREATE TABLE program_products (               -- taken out is marked, not deleted: the 30-day lock covers it
  program_id TEXT NOT NULL REFERENCES programs(id), product_id TEXT NOT NULL REFERENCES products(id),
  added_at ${X_INT} NOT NULL, removed_at ${X_INT} NOT NULL DEFAULT 0, PRIMARY KEY (program_id, product_id)
) ${X_STRICT};
CREATE INDEX program_products_product ON program_products(product_id);
CREATE TABLE program_creators (               -- of a targeted program; likewise
  program_id TEXT NOT NULL REFERENCES programs(id), creator_id TEXT NOT NULL REFERENCES creators(id),
  added_at ${X_INT} NOT NULL, removed_at ${X_INT} NOT NULL DEFAULT 0, PRIMARY KEY (program_id, creator_id)
) ${X_STRICT};
CREATE INDEX program_creators_creator ON program_creators(creator_id);
CREATE TABLE program_terms (                  -- every rate and window a program has had, from when: the lock reads it
  program_id TEXT NOT NULL REFERENCES programs(id), from_at ${X_INT} NOT NULL,
  commission_bps ${X_INT} NOT NULL, window_hours ${X_INT} NOT NULL,
  PRIMARY KEY (program_id, from_at)
) ${X_STRICT};
CREATE TABLE showcase (
  id TEXT PRIMARY KEY, creator_id TEXT NOT NULL REFERENCES creators(id), product_id TEXT NOT NULL REFERENCES products(id),
  brand_id TEXT NOT NULL, position ${X_INT} NOT NULL DEFAULT 0,
  accepted_at ${X_INT} NOT NULL,                -- when promoting began: freezes the rate lock
  removed_at ${X_INT} NOT NULL DEFAULT 0,       -- 0: on the shelf
  UNIQUE (creator_id, product_id)
) ${X_STRICT};
CREATE INDEX showcase_product ON showcase(product_id);
CREATE TABLE touches (                        -- product clicks (and carts) that may earn attribution
  id TEXT PRIMARY KEY, viewer_id TEXT NOT NULL,  -- whose viewer it is, the table viewers says: erasing a person ends there
  creator_id TEXT NOT NULL, product_id TEXT NOT NULL, brand_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('click','cart','link','code')),
  video_id TEXT NOT NULL DEFAULT '', showcase_id TEXT NOT NULL DEFAULT '', surface TEXT NOT NULL,
  request_id TEXT NOT NULL DEFAULT '', slot ${X_INT} NOT NULL DEFAULT 0,
  flag TEXT NOT NULL DEFAULT '',              -- why it may not earn: bot, own, …
  at ${X_INT} NOT NULL,
  once TEXT NOT NULL UNIQUE                   -- viewer, request, subject, product, kind: one token makes one touch
) ${X_STRICT};
CREATE INDEX touches_viewer ON touches(viewer_id, product_id, at);
CREATE TABLE follower_positions (             -- where each SQL follower of the log stands: written with its rows
  name TEXT PRIMARY KEY, position TEXT NOT NULL, updated_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE TABLE attributions (
  line_id TEXT PRIMARY KEY, order_id TEXT NOT NULL, part_id TEXT NOT NULL, brand_id TEXT NOT NULL, creator_id TEXT NOT NULL DEFAULT '',
  program_id TEXT NOT NULL DEFAULT '', touch_id TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL CHECK (state IN ('decided','waiting')), rule TEXT NOT NULL, rule_version ${X_INT} NOT NULL,
  receipt TEXT NOT NULL,                      -- JSON; of a waiting line, the sale to be decided
  decided_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE INDEX attributions_order ON attributions(order_id);
CREATE INDEX attributions_waiting ON attributions(order_id) WHERE state = 'waiting';
CREATE TABLE commissions (
  id TEXT PRIMARY KEY, order_id TEXT NOT NULL, part_id TEXT NOT NULL, line_id TEXT NOT NULL UNIQUE,
  creator_id TEXT NOT NULL, brand_id TEXT NOT NULL, program_id TEXT NOT NULL, product_id TEXT NOT NULL,
  video_id TEXT NOT NULL DEFAULT '',
  base_minor ${X_INT} NOT NULL, rate_bps ${X_INT} NOT NULL, amount_minor ${X_INT} NOT NULL, currency TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending','available','paid','reversed')), reason TEXT NOT NULL DEFAULT '',
  created_at ${X_INT} NOT NULL, release_at ${X_INT} NOT NULL DEFAULT 0, released_at ${X_INT} NOT NULL DEFAULT 0,
  reversed_at ${X_INT} NOT NULL DEFAULT 0
) ${X_STRICT};
CREATE INDEX commissions_creator ON commissions(creator_id, id);
CREATE INDEX commissions_part ON commissions(part_id);
-- +goose Down
