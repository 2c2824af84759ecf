-- +goose Up
-- Orders: from cart to delivery. A checkout is an order in state placed; nothing is priced by the client.
CREATE TABLE carts (
  id TEXT PRIMARY KEY, viewer_id TEXT NOT NULL, account_id TEXT NOT NULL DEFAULT '', currency TEXT NOT NULL DEFAULT '',
  codes TEXT NOT NULL DEFAULT '[]', state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open','ordered')),
  version ${X_INT} NOT NULL DEFAULT 1, created_at ${X_INT} NOT NULL, updated_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE INDEX carts_viewer ON carts(viewer_id, id);
CREATE INDEX carts_account ON carts(account_id, id) WHERE account_id <> '';
CREATE TABLE cart_lines (
  id TEXT PRIMARY KEY, cart_id TEXT NOT NULL REFERENCES carts(id), variant_id TEXT NOT NULL REFERENCES variants(id),
  product_id TEXT NOT NULL, brand_id TEXT NOT NULL, quantity ${X_INT} NOT NULL CHECK (quantity BETWEEN 1 AND 20),
  added_at ${X_INT} NOT NULL, UNIQUE (cart_id, variant_id)
) ${X_STRICT};
CREATE TABLE orders (
  id TEXT PRIMARY KEY, checkout_id TEXT NOT NULL UNIQUE, cart_id TEXT NOT NULL,
  viewer_id TEXT NOT NULL, account_id TEXT NOT NULL DEFAULT '', email TEXT NOT NULL DEFAULT '',
  currency TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('placed','paid','cancelled','expired')),
  subtotal_minor ${X_INT} NOT NULL, discount_minor ${X_INT} NOT NULL, shipping_minor ${X_INT} NOT NULL,
  tax_minor ${X_INT} NOT NULL,                  -- all tax; the inclusive part of it is inside the prices already
  tax_added_minor ${X_INT} NOT NULL,            -- the exclusive part: what the total grows by
  total_minor ${X_INT} NOT NULL, refunded_minor ${X_INT} NOT NULL DEFAULT 0,
  shipping_address TEXT NOT NULL,             -- JSON
  touch_horizon TEXT NOT NULL DEFAULT '',     -- the log's end when it was placed
  reserved_until ${X_INT} NOT NULL, placed_at ${X_INT} NOT NULL, paid_at ${X_INT} NOT NULL DEFAULT 0,
  closed_at ${X_INT} NOT NULL DEFAULT 0, closed_reason TEXT NOT NULL DEFAULT '',
  version ${X_INT} NOT NULL DEFAULT 1
) ${X_STRICT};
CREATE INDEX orders_account ON orders(account_id, id) WHERE account_id <> '';
CREATE INDEX orders_viewer ON orders(viewer_id, id) WHERE viewer_id <> '';
CREATE INDEX orders_due ON orders(reserved_until) WHERE state = 'placed';
CREATE INDEX orders_cart ON orders(cart_id) WHERE state = 'placed';
CREATE TABLE order_parts (                    -- one brand's share of an order
  id TEXT PRIMARY KEY, order_id TEXT NOT NULL REFERENCES orders(id), brand_id TEXT NOT NULL REFERENCES brands(id),
  state TEXT NOT NULL CHECK (state IN ('placed','paid','shipped','delivered','completed','cancelled')),
  currency TEXT NOT NULL, goods_minor ${X_INT} NOT NULL,
  shipping_option TEXT NOT NULL, shipping_name TEXT NOT NULL, shipping_minor ${X_INT} NOT NULL,
  shipping_tax_minor ${X_INT} NOT NULL DEFAULT 0, shipping_tax_bps ${X_INT} NOT NULL DEFAULT 0,
  shipping_tax_name TEXT NOT NULL DEFAULT '',
  shipping_tax_inclusive ${X_FLAG} NOT NULL DEFAULT 0 CHECK (shipping_tax_inclusive IN (0,1)),
  shipping_tax_collected_by TEXT NOT NULL DEFAULT 'platform' CHECK (shipping_tax_collected_by IN ('platform','brand')),
  total_minor ${X_INT} NOT NULL,                -- what the buyer pays for this part, all taxes included
  hold_days ${X_INT} NOT NULL DEFAULT 0,        -- the longest hold of its lines; frozen at sale
  brand_pending_minor ${X_INT} NOT NULL DEFAULT 0,   -- what the ledger holds for the brand of this part
  paid_at ${X_INT} NOT NULL DEFAULT 0, shipped_at ${X_INT} NOT NULL DEFAULT 0, delivered_at ${X_INT} NOT NULL DEFAULT 0,
  release_at ${X_INT} NOT NULL DEFAULT 0, completed_at ${X_INT} NOT NULL DEFAULT 0, cancelled_at ${X_INT} NOT NULL DEFAULT 0,
  version ${X_INT} NOT NULL DEFAULT 1
) ${X_STRICT};
CREATE INDEX order_parts_order ON order_parts(order_id);
CREATE INDEX order_parts_brand ON order_parts(brand_id, state, id);
CREATE INDEX order_parts_due ON order_parts(release_at) WHERE state = 'delivered';
CREATE TABLE order_lines (
  id TEXT PRIMARY KEY, order_id TEXT NOT NULL REFERENCES orders(id), part_id TEXT NOT NULL REFERENCES order_parts(id),
  brand_id TEXT NOT NULL, product_id TEXT NOT NULL, variant_id TEXT NOT NULL,
  sku TEXT NOT NULL, title TEXT NOT NULL, variant_title TEXT NOT NULL, image_id TEXT NOT NULL DEFAULT '',
  quantity ${X_INT} NOT NULL CHECK (quantity > 0), unit_minor ${X_INT} NOT NULL, currency TEXT NOT NULL,
  goods_minor ${X_INT} NOT NULL,                -- unit × quantity less discounts, as the buyer sees it
  tax_minor ${X_INT} NOT NULL DEFAULT 0, tax_bps ${X_INT} NOT NULL DEFAULT 0, tax_name TEXT NOT NULL DEFAULT '',
  tax_inclusive ${X_FLAG} NOT NULL DEFAULT 0 CHECK (tax_inclusive IN (0,1)),
  tax_collected_by TEXT NOT NULL DEFAULT 'platform' CHECK (tax_collected_by IN ('platform','brand')),
  base_minor ${X_INT} NOT NULL DEFAULT 0,       -- commission base: after discounts, without tax and shipping
  creator_id TEXT NOT NULL DEFAULT '', program_id TEXT NOT NULL DEFAULT '', commission_bps ${X_INT} NOT NULL DEFAULT 0,
  commission_minor ${X_INT} NOT NULL DEFAULT 0, fee_bps ${X_INT} NOT NULL DEFAULT 0, fee_minor ${X_INT} NOT NULL DEFAULT 0,
  brand_minor ${X_INT} NOT NULL DEFAULT 0       -- frozen at sale: base = commission + fee + brand
) ${X_STRICT};
CREATE INDEX order_lines_order ON order_lines(order_id);
CREATE INDEX order_lines_part ON order_lines(part_id);
CREATE TABLE shipments (
  id TEXT PRIMARY KEY, order_id TEXT NOT NULL, part_id TEXT NOT NULL, brand_id TEXT NOT NULL,
  carrier TEXT NOT NULL, tracking TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('shipped','delivered')),
  shipped_at ${X_INT} NOT NULL, delivered_at ${X_INT} NOT NULL DEFAULT 0
) ${X_STRICT};
CREATE INDEX shipments_order ON shipments(order_id);
CREATE TABLE shipment_lines (
  shipment_id TEXT NOT NULL REFERENCES shipments(id), line_id TEXT NOT NULL UNIQUE, PRIMARY KEY (shipment_id, line_id)
) ${X_STRICT};
CREATE TABLE order_steps (                    -- the timeline people see; never edited
  id TEXT PRIMARY KEY, order_id TEXT NOT NULL, part_id TEXT NOT NULL DEFAULT '', kind TEXT NOT NULL,
  detail TEXT NOT NULL DEFAULT '', actor TEXT NOT NULL, at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE INDEX order_steps_order ON order_steps(order_id, at);
${X_APPEND_ONLY order_steps}
CREATE TABLE taxes (                          -- simple table: the most specific row wins
  id TEXT PRIMARY KEY, country TEXT NOT NULL, region TEXT NOT NULL DEFAULT '', category TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL, rate_bps ${X_INT} NOT NULL CHECK (rate_bps BETWEEN 0 AND 10000),
  inclusive ${X_FLAG} NOT NULL CHECK (inclusive IN (0,1)),
  collected_by TEXT NOT NULL CHECK (collected_by IN ('platform','brand')),
  on_shipping ${X_FLAG} NOT NULL DEFAULT 0 CHECK (on_shipping IN (0,1)),
  UNIQUE (country, region, category)
) ${X_STRICT};
-- +goose Down
