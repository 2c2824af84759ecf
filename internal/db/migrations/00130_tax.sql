-- +goose Up
-- The tax table with its history: a rate is never edited. A change ends the row and puts another in
-- its place; ended rows stay, so that every rate an order was ever charged can be found with who set it.
CREATE TABLE tax_rates (
  id TEXT PRIMARY KEY, country TEXT NOT NULL, region TEXT NOT NULL DEFAULT '', category TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL, rate_bps ${X_INT} NOT NULL CHECK (rate_bps BETWEEN 0 AND 10000),
  inclusive ${X_FLAG} NOT NULL CHECK (inclusive IN (0,1)),
  collected_by TEXT NOT NULL CHECK (collected_by IN ('platform','brand')),
  on_shipping ${X_FLAG} NOT NULL DEFAULT 0 CHECK (on_shipping IN (0,1)),
  replaces TEXT NOT NULL DEFAULT '',           -- the row this one took the place of
  made_by TEXT NOT NULL, made_at ${X_INT} NOT NULL,
  ended_by TEXT NOT NULL DEFAULT '', ended_at ${X_INT} NOT NULL DEFAULT 0   -- 0: in force
) ${X_STRICT};
CREATE UNIQUE INDEX tax_rates_in_force ON tax_rates(country, region, category) WHERE ended_at = 0;
${X_KEEP tax_rates (country, region, category, name, rate_bps, inclusive, collected_by, on_shipping, replaces, made_by, made_at)}
INSERT INTO tax_rates(id, country, region, category, name, rate_bps, inclusive, collected_by, on_shipping, made_by, made_at)
  SELECT id, country, region, category, name, rate_bps, inclusive, collected_by, on_shipping, 'platform', 0 FROM taxes;
DROP TABLE taxes;
-- Whose tax it is, frozen with the line: the country, or the country and its region, as the rate says.
-- Lines of before have none and go by their order's address, as they were booked.
ALTER TABLE order_lines ADD COLUMN tax_jurisdiction TEXT NOT NULL DEFAULT '';
ALTER TABLE order_parts ADD COLUMN shipping_tax_jurisdiction TEXT NOT NULL DEFAULT '';
-- +goose Down
