-- +goose Up
-- Holds: what is promised, what the platform does when it is not kept, and what is kept back of a brand's money.
ALTER TABLE shipping_options ADD COLUMN handling_days ${X_INT} NOT NULL DEFAULT 3;  -- until a paid order is handed over
ALTER TABLE order_parts ADD COLUMN handling_days ${X_INT} NOT NULL DEFAULT 3;        -- both as they were promised at the till
ALTER TABLE order_parts ADD COLUMN transit_days ${X_INT} NOT NULL DEFAULT 0;
ALTER TABLE order_parts ADD COLUMN ship_by ${X_INT} NOT NULL DEFAULT 0;              -- what is not sent by then cancels itself; 0: paid before there was one
ALTER TABLE order_parts ADD COLUMN proven ${X_FLAG} NOT NULL DEFAULT 0;              -- delivery is not only the brand's word
ALTER TABLE order_parts ADD COLUMN cancelled_by TEXT NOT NULL DEFAULT '';            -- buyer, brand, operator, or late: by the job
CREATE INDEX order_parts_late ON order_parts(ship_by) WHERE state = 'paid' AND ship_by > 0;
ALTER TABLE commissions ADD COLUMN brand_cancelled ${X_FLAG} NOT NULL DEFAULT 0;     -- lost because the brand did not send
CREATE INDEX commissions_program ON commissions(program_id, created_at);
CREATE TABLE claims (                         -- a buyer says that a part never came
  id TEXT PRIMARY KEY, order_id TEXT NOT NULL REFERENCES orders(id), part_id TEXT NOT NULL REFERENCES order_parts(id), brand_id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open','proven','refunded','withdrawn')),
  says TEXT NOT NULL, proof TEXT NOT NULL DEFAULT '',            -- the buyer's words; the brand's proof of delivery
  decided_by TEXT NOT NULL DEFAULT '', refund_id TEXT NOT NULL DEFAULT '',
  due_at ${X_INT} NOT NULL DEFAULT 0, created_at ${X_INT} NOT NULL, settled_at ${X_INT} NOT NULL DEFAULT 0
) ${X_STRICT};
CREATE UNIQUE INDEX claims_part ON claims(part_id) WHERE state <> 'withdrawn';
CREATE INDEX claims_order ON claims(order_id);
CREATE INDEX claims_brand ON claims(brand_id, state, id);
CREATE INDEX claims_due ON claims(due_at) WHERE state = 'open';
CREATE TABLE reserve_terms (                  -- what is kept back of a brand's money, from when; the last row counts
  brand_id TEXT NOT NULL REFERENCES brands(id), from_at ${X_INT} NOT NULL,
  bps ${X_INT} NOT NULL CHECK (bps BETWEEN 0 AND 10000), days ${X_INT} NOT NULL CHECK (days BETWEEN 0 AND 365),
  reason TEXT NOT NULL, actor TEXT NOT NULL, PRIMARY KEY (brand_id, from_at)
) ${X_STRICT};
${X_APPEND_ONLY reserve_terms}
CREATE TABLE reserves (                       -- what was kept back of one part
  part_id TEXT PRIMARY KEY REFERENCES order_parts(id), brand_id TEXT NOT NULL, currency TEXT NOT NULL,
  amount_minor ${X_INT} NOT NULL CHECK (amount_minor > 0),
  left_minor ${X_INT} NOT NULL CHECK (left_minor BETWEEN 0 AND amount_minor), -- debts were paid with the rest
  release_at ${X_INT} NOT NULL, created_at ${X_INT} NOT NULL, released_at ${X_INT} NOT NULL DEFAULT 0
) ${X_STRICT};
CREATE INDEX reserves_brand ON reserves(brand_id, release_at);
CREATE INDEX reserves_due ON reserves(release_at) WHERE released_at = 0;
${X_KEEP reserves (part_id, brand_id, currency, amount_minor, release_at, created_at)}
-- +goose Down
