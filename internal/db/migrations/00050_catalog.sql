-- +goose Up
-- Catalogue: products, variants (one SKU each), stock and what is reserved of it, how a brand ships.
CREATE TABLE products (
  id TEXT PRIMARY KEY, brand_id TEXT NOT NULL REFERENCES brands(id),
  title TEXT NOT NULL, description TEXT NOT NULL, category TEXT NOT NULL,
  images TEXT NOT NULL DEFAULT '[]',         -- JSON list of image ids
  state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active','archived')),
  currency TEXT NOT NULL,
  standing TEXT NOT NULL DEFAULT 'visible' CHECK (standing IN ('visible','limited','removed')),
  standing_reason TEXT NOT NULL DEFAULT '', standing_by TEXT NOT NULL DEFAULT '', standing_at ${X_INT} NOT NULL DEFAULT 0,
  version ${X_INT} NOT NULL DEFAULT 1, created_at ${X_INT} NOT NULL, updated_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE INDEX products_brand ON products(brand_id, id);
CREATE INDEX products_category ON products(category, id);
CREATE TABLE variants (
  id TEXT PRIMARY KEY, product_id TEXT NOT NULL REFERENCES products(id), brand_id TEXT NOT NULL REFERENCES brands(id),
  sku TEXT NOT NULL, title TEXT NOT NULL, position ${X_INT} NOT NULL DEFAULT 0,
  price_minor ${X_INT} NOT NULL CHECK (price_minor >= 0), currency TEXT NOT NULL,
  gtin TEXT NOT NULL DEFAULT '', weight_grams ${X_INT} NOT NULL DEFAULT 0,
  state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active','archived')),
  version ${X_INT} NOT NULL DEFAULT 1, created_at ${X_INT} NOT NULL, updated_at ${X_INT} NOT NULL,
  UNIQUE (brand_id, sku)
) ${X_STRICT};
CREATE INDEX variants_product ON variants(product_id, position);
CREATE TABLE stock (
  variant_id TEXT PRIMARY KEY REFERENCES variants(id), brand_id TEXT NOT NULL,
  on_hand ${X_INT} NOT NULL CHECK (on_hand >= 0),
  reserved ${X_INT} NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  version ${X_INT} NOT NULL DEFAULT 1, updated_at ${X_INT} NOT NULL,
  CHECK (reserved <= on_hand)
) ${X_STRICT};
CREATE TABLE stock_adjustments (
  id TEXT PRIMARY KEY, variant_id TEXT NOT NULL, brand_id TEXT NOT NULL, delta ${X_INT} NOT NULL, reason TEXT NOT NULL,
  made_by TEXT NOT NULL, created_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE TABLE reservations (
  id TEXT PRIMARY KEY, order_id TEXT NOT NULL, variant_id TEXT NOT NULL, brand_id TEXT NOT NULL,
  quantity ${X_INT} NOT NULL CHECK (quantity > 0),
  state TEXT NOT NULL CHECK (state IN ('held','sold','released','expired')),
  expires_at ${X_INT} NOT NULL, created_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE INDEX reservations_order ON reservations(order_id);
CREATE INDEX reservations_due ON reservations(expires_at) WHERE state = 'held';
CREATE TABLE shipping_options (
  id TEXT PRIMARY KEY, brand_id TEXT NOT NULL REFERENCES brands(id), code TEXT NOT NULL, name TEXT NOT NULL,
  price_minor ${X_INT} NOT NULL CHECK (price_minor >= 0), free_over_minor ${X_INT} NOT NULL DEFAULT 0,
  countries TEXT NOT NULL DEFAULT '[]',      -- JSON list of ISO 3166 codes; empty: everywhere
  days_min ${X_INT} NOT NULL DEFAULT 2, days_max ${X_INT} NOT NULL DEFAULT 5, position ${X_INT} NOT NULL DEFAULT 0,
  state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active','archived')),
  UNIQUE (brand_id, code)
) ${X_STRICT};
-- +goose Down
