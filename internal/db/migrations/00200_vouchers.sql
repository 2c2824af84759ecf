-- +goose Up
-- Vouchers: a lower price with conditions. One of a brand is the brand's own lower price; one of the platform (brand_id '')
-- is paid for by the platform. taken counts the uses that are held or used, and never passes total_limit.
CREATE TABLE vouchers (
  id TEXT PRIMARY KEY, brand_id TEXT NOT NULL DEFAULT '',
  code TEXT NOT NULL, code_key TEXT NOT NULL,           -- as it is shown, and as it is compared
  title TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('percent','fixed')),
  rate_bps ${X_INT} NOT NULL DEFAULT 0 CHECK (rate_bps BETWEEN 0 AND 10000),
  off_minor ${X_INT} NOT NULL DEFAULT 0, most_minor ${X_INT} NOT NULL DEFAULT 0, least_minor ${X_INT} NOT NULL DEFAULT 0,
  currency TEXT NOT NULL, all_products ${X_FLAG} NOT NULL CHECK (all_products IN (0,1)),
  starts_at ${X_INT} NOT NULL, ends_at ${X_INT} NOT NULL DEFAULT 0,
  total_limit ${X_INT} NOT NULL DEFAULT 0, person_limit ${X_INT} NOT NULL DEFAULT 0,   -- 0: none
  taken ${X_INT} NOT NULL DEFAULT 0 CHECK (taken >= 0),
  listed ${X_FLAG} NOT NULL DEFAULT 0 CHECK (listed IN (0,1)),                         -- offered to everybody, code or not
  creator_id TEXT NOT NULL DEFAULT '',                  -- whose code it is: typing it also attributes
  version ${X_INT} NOT NULL DEFAULT 1, created_at ${X_INT} NOT NULL, updated_at ${X_INT} NOT NULL,
  UNIQUE (brand_id, code_key)
) ${X_STRICT};
CREATE INDEX vouchers_listed ON vouchers(brand_id) WHERE listed = 1;
CREATE INDEX vouchers_creator ON vouchers(creator_id, id) WHERE creator_id <> '';
CREATE TABLE voucher_products (
  voucher_id TEXT NOT NULL REFERENCES vouchers(id), product_id TEXT NOT NULL, PRIMARY KEY (voucher_id, product_id)
) ${X_STRICT};
CREATE TABLE voucher_uses (                   -- what an order has of a voucher
  order_id TEXT NOT NULL, voucher_id TEXT NOT NULL REFERENCES vouchers(id),
  state TEXT NOT NULL CHECK (state IN ('noted','held','used','back')),   -- noted: a creator's code whose discount was not the one chosen
  typed ${X_INT} NOT NULL DEFAULT 0,          -- the place of its code among those typed; 0 not typed
  amount_minor ${X_INT} NOT NULL, currency TEXT NOT NULL, created_at ${X_INT} NOT NULL, updated_at ${X_INT} NOT NULL,
  PRIMARY KEY (order_id, voucher_id)
) ${X_STRICT};
CREATE INDEX voucher_uses_voucher ON voucher_uses(voucher_id, state);
CREATE TABLE voucher_people (                 -- how often one person has it, by each name we know them under
  voucher_id TEXT NOT NULL REFERENCES vouchers(id), person TEXT NOT NULL, taken ${X_INT} NOT NULL CHECK (taken >= 0),
  PRIMARY KEY (voucher_id, person)
) ${X_STRICT};
CREATE TABLE voucher_use_people (
  order_id TEXT NOT NULL, voucher_id TEXT NOT NULL, person TEXT NOT NULL, PRIMARY KEY (order_id, voucher_id, person)
) ${X_STRICT};
CREATE INDEX voucher_use_people_voucher ON voucher_use_people(voucher_id, person);
ALTER TABLE carts ADD COLUMN wishes TEXT NOT NULL DEFAULT '{}';                       -- voucher chosen by hand, by who pays for it
ALTER TABLE order_lines ADD COLUMN brand_off_minor ${X_INT} NOT NULL DEFAULT 0;       -- what the brand's voucher took off; its own lower price
ALTER TABLE order_lines ADD COLUMN platform_off_minor ${X_INT} NOT NULL DEFAULT 0;    -- what the platform's took off, and pays for
ALTER TABLE order_lines ADD COLUMN brand_voucher_id TEXT NOT NULL DEFAULT '';
ALTER TABLE order_lines ADD COLUMN platform_voucher_id TEXT NOT NULL DEFAULT '';
ALTER TABLE order_lines ADD COLUMN back_platform_off_minor ${X_INT} NOT NULL DEFAULT 0;
ALTER TABLE order_lines ADD COLUMN back_base_minor ${X_INT} NOT NULL DEFAULT 0;       -- of the commission base
UPDATE order_lines SET back_base_minor = back_brand_minor + back_commission_minor + back_fee_minor WHERE back_quantity > 0;
ALTER TABLE refund_lines ADD COLUMN platform_off_minor ${X_INT} NOT NULL DEFAULT 0;
-- +goose Down
