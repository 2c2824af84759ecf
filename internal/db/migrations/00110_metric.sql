-- +goose Up
-- Metric: what the fold of the log has counted, by hour and day, as absolute rows written with the fold's
-- position (follower_positions, name 'metric') in one transaction.
CREATE TABLE metric_rows (
  entity TEXT NOT NULL,                         -- as the API spells it: video:vid_…
  grain ${X_INT} NOT NULL CHECK (grain IN (2,3)),  -- 2 hour, 3 day
  start_at ${X_INT} NOT NULL,
  impressions ${X_INT} NOT NULL, views ${X_INT} NOT NULL, watch_ms ${X_INT} NOT NULL,
  product_clicks ${X_INT} NOT NULL, product_views ${X_INT} NOT NULL, add_to_carts ${X_INT} NOT NULL,
  orders ${X_INT} NOT NULL, sku_orders ${X_INT} NOT NULL, units ${X_INT} NOT NULL, net_units ${X_INT} NOT NULL,
  refunds ${X_INT} NOT NULL, units_back ${X_INT} NOT NULL,
  clicks_of_impressions ${X_INT} NOT NULL, orders_of_clicks ${X_INT} NOT NULL, orders_of_visits ${X_INT} NOT NULL,
  late ${X_INT} NOT NULL, flagged ${X_INT} NOT NULL, own ${X_INT} NOT NULL,
  uniques ${X_INT} NOT NULL,                    -- viewers, of a day row its own and not a sum
  PRIMARY KEY (entity, grain, start_at)
) ${X_STRICT};
CREATE INDEX metric_rows_old ON metric_rows(grain, start_at);
CREATE TABLE metric_money (
  entity TEXT NOT NULL, grain ${X_INT} NOT NULL CHECK (grain IN (2,3)), start_at ${X_INT} NOT NULL, currency TEXT NOT NULL,
  orders ${X_INT} NOT NULL, gmv_minor ${X_INT} NOT NULL, refunded_minor ${X_INT} NOT NULL, net_minor ${X_INT} NOT NULL,
  commission_minor ${X_INT} NOT NULL, settled_minor ${X_INT} NOT NULL,
  PRIMARY KEY (entity, grain, start_at, currency)
) ${X_STRICT};
CREATE INDEX metric_money_old ON metric_money(grain, start_at);
CREATE TABLE metric_cold (                      -- the whole state of what nothing has happened to for long
  node TEXT NOT NULL, entity TEXT NOT NULL, sum TEXT NOT NULL,  -- of the state: an older snapshot finds the older one
  state ${X_BLOB} NOT NULL, stamp ${X_INT} NOT NULL,            -- log time at which it left the memory
  PRIMARY KEY (node, entity, sum)
) ${X_STRICT};
CREATE INDEX metric_cold_stamp ON metric_cold(node, stamp);
-- +goose Down
