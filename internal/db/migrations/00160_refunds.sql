-- +goose Up
-- Refunds: money of one brand's part given back to the buyer, line by line, always from the frozen lines.
CREATE TABLE refunds (
  id TEXT PRIMARY KEY,                        -- also the idempotency key at the provider
  order_id TEXT NOT NULL REFERENCES orders(id), part_id TEXT NOT NULL REFERENCES order_parts(id), brand_id TEXT NOT NULL,
  payment_id TEXT NOT NULL REFERENCES payments(id), currency TEXT NOT NULL,
  amount_minor ${X_INT} NOT NULL CHECK (amount_minor > 0),        -- what the buyer gets
  shipping_minor ${X_INT} NOT NULL DEFAULT 0, shipping_tax_minor ${X_INT} NOT NULL DEFAULT 0, -- of it; shipping without its tax
  with_shipping ${X_FLAG} NOT NULL DEFAULT 0 CHECK (with_shipping IN (0,1)),
  reason TEXT NOT NULL, actor TEXT NOT NULL, by_operator ${X_FLAG} NOT NULL DEFAULT 0 CHECK (by_operator IN (0,1)),
  was_shipped ${X_FLAG} NOT NULL, was_delivered ${X_FLAG} NOT NULL, was_released ${X_FLAG} NOT NULL, -- where the money was taken from
  owed_minor ${X_INT} NOT NULL DEFAULT 0,     -- what was not available and is owed to the platform now
  full_goods ${X_FLAG} NOT NULL DEFAULT 0,    -- nothing of the part's goods was left sold
  state TEXT NOT NULL CHECK (state IN ('requested','confirmed','failed')),
  failure TEXT NOT NULL DEFAULT '', created_at ${X_INT} NOT NULL, updated_at ${X_INT} NOT NULL, settled_at ${X_INT} NOT NULL DEFAULT 0
) ${X_STRICT};
CREATE INDEX refunds_order ON refunds(order_id);
CREATE INDEX refunds_payment ON refunds(payment_id);
CREATE INDEX refunds_waiting ON refunds(updated_at) WHERE state = 'requested';
CREATE UNIQUE INDEX refunds_shipping_once ON refunds(part_id) WHERE with_shipping = 1 AND state <> 'failed';
${X_KEEP refunds (order_id, part_id, payment_id, amount_minor, currency, shipping_minor, shipping_tax_minor, reason, actor, created_at)}
CREATE TABLE refund_lines (                   -- what a refund took back of a line
  refund_id TEXT NOT NULL REFERENCES refunds(id), line_id TEXT NOT NULL REFERENCES order_lines(id),
  quantity ${X_INT} NOT NULL CHECK (quantity > 0), restocked ${X_INT} NOT NULL DEFAULT 0,
  amount_minor ${X_INT} NOT NULL CHECK (amount_minor >= 0),       -- base + tax: what the buyer gets for it
  base_minor ${X_INT} NOT NULL, tax_minor ${X_INT} NOT NULL,      -- base = brand + commission + fee
  brand_minor ${X_INT} NOT NULL, commission_minor ${X_INT} NOT NULL, fee_minor ${X_INT} NOT NULL,
  PRIMARY KEY (refund_id, line_id)
) ${X_STRICT};
CREATE INDEX refund_lines_line ON refund_lines(line_id);
${X_APPEND_ONLY refund_lines}
-- What all refunds that did not fail took back of a line, a part and a payment together.
ALTER TABLE order_lines ADD COLUMN back_quantity ${X_INT} NOT NULL DEFAULT 0;
ALTER TABLE order_lines ADD COLUMN back_tax_minor ${X_INT} NOT NULL DEFAULT 0;
ALTER TABLE order_lines ADD COLUMN back_brand_minor ${X_INT} NOT NULL DEFAULT 0;
ALTER TABLE order_lines ADD COLUMN back_commission_minor ${X_INT} NOT NULL DEFAULT 0;
ALTER TABLE order_lines ADD COLUMN back_fee_minor ${X_INT} NOT NULL DEFAULT 0;
ALTER TABLE order_parts ADD COLUMN shipping_back ${X_FLAG} NOT NULL DEFAULT 0;
ALTER TABLE order_parts ADD COLUMN refunded_minor ${X_INT} NOT NULL DEFAULT 0;
ALTER TABLE payments ADD COLUMN refunded_minor ${X_INT} NOT NULL DEFAULT 0 CHECK (refunded_minor >= 0 AND refunded_minor <= amount_minor);
ALTER TABLE commissions ADD COLUMN reversed_minor ${X_INT} NOT NULL DEFAULT 0;
UPDATE commissions SET reversed_minor = amount_minor WHERE state = 'reversed';
UPDATE order_parts SET refunded_minor = total_minor WHERE state = 'cancelled' AND paid_at > 0;
UPDATE payments SET refunded_minor = amount_minor WHERE state IN ('returning','refunded');
-- +goose Down
