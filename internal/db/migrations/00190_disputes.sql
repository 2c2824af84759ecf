-- +goose Up
-- Disputes (chargebacks): a buyer's bank takes a captured payment back, or wants to.
CREATE TABLE disputes (
  id TEXT PRIMARY KEY, order_id TEXT NOT NULL REFERENCES orders(id), payment_id TEXT NOT NULL REFERENCES payments(id),
  provider TEXT NOT NULL, provider_ref TEXT NOT NULL, currency TEXT NOT NULL,
  amount_minor ${X_INT} NOT NULL CHECK (amount_minor > 0),        -- what the provider withholds
  covered_minor ${X_INT} NOT NULL CHECK (covered_minor BETWEEN 0 AND amount_minor), -- of it, what the buyer had not got back otherwise
  fee_minor ${X_INT} NOT NULL DEFAULT 0, fee_back_minor ${X_INT} NOT NULL DEFAULT 0,
  reason TEXT NOT NULL DEFAULT '', state TEXT NOT NULL CHECK (state IN ('open','won','lost')),
  frozen ${X_FLAG} NOT NULL DEFAULT 0 CHECK (frozen IN (0,1)),    -- the shares are; 0 while a commission is undecided
  due_at ${X_INT} NOT NULL DEFAULT 0,         -- until when evidence may be handed in; 0: none is taken
  evidence_at ${X_INT} NOT NULL DEFAULT 0, evidence_sent_at ${X_INT} NOT NULL DEFAULT 0, -- the newest there is, and the newest the provider has
  opened_at ${X_INT} NOT NULL, created_at ${X_INT} NOT NULL, updated_at ${X_INT} NOT NULL, closed_at ${X_INT} NOT NULL DEFAULT 0,
  UNIQUE (provider, provider_ref)
) ${X_STRICT};
CREATE INDEX disputes_order ON disputes(order_id);
CREATE INDEX disputes_payment ON disputes(payment_id);
CREATE INDEX disputes_open ON disputes(order_id) WHERE state = 'open';
CREATE INDEX disputes_evidence ON disputes(id) WHERE evidence_at > evidence_sent_at;
${X_KEEP disputes (order_id, payment_id, provider, provider_ref, currency, amount_minor, fee_minor, reason, opened_at, created_at)}
CREATE TABLE dispute_shares (                 -- what of a line, or of a part's shipping, is disputed; rounds beyond the first follow a refund that failed
  dispute_id TEXT NOT NULL REFERENCES disputes(id), round ${X_INT} NOT NULL, part_id TEXT NOT NULL REFERENCES order_parts(id),
  line_id TEXT NOT NULL DEFAULT '',           -- '' is the part's shipping
  brand_id TEXT NOT NULL, creator_id TEXT NOT NULL DEFAULT '',
  amount_minor ${X_INT} NOT NULL,             -- of what the buyer paid
  voucher_minor ${X_INT} NOT NULL DEFAULT 0, tax_minor ${X_INT} NOT NULL DEFAULT 0, brand_tax_minor ${X_INT} NOT NULL DEFAULT 0, brand_minor ${X_INT} NOT NULL DEFAULT 0,
  commission_minor ${X_INT} NOT NULL DEFAULT 0, fee_minor ${X_INT} NOT NULL DEFAULT 0, shipping_minor ${X_INT} NOT NULL DEFAULT 0,
  was_released ${X_FLAG} NOT NULL CHECK (was_released IN (0,1)),  -- the money was available already
  owed_minor ${X_INT} NOT NULL DEFAULT 0,     -- what was not available any more
  PRIMARY KEY (dispute_id, round, part_id, line_id)
) ${X_STRICT};
CREATE INDEX dispute_shares_brand ON dispute_shares(brand_id, dispute_id);
CREATE INDEX dispute_shares_part ON dispute_shares(part_id);
${X_APPEND_ONLY dispute_shares}
CREATE TABLE dispute_evidence (               -- what a brand says for itself; the last counts
  dispute_id TEXT NOT NULL REFERENCES disputes(id), brand_id TEXT NOT NULL, at ${X_INT} NOT NULL,
  says TEXT NOT NULL, actor TEXT NOT NULL, PRIMARY KEY (dispute_id, brand_id, at)
) ${X_STRICT};
${X_APPEND_ONLY dispute_evidence}
ALTER TABLE orders ADD COLUMN disputed ${X_INT} NOT NULL DEFAULT 0;           -- how many disputes there were
ALTER TABLE payments ADD COLUMN disputed_minor ${X_INT} NOT NULL DEFAULT 0 CHECK (disputed_minor >= 0 AND disputed_minor + refunded_minor <= amount_minor);
ALTER TABLE commissions ADD COLUMN disputed_minor ${X_INT} NOT NULL DEFAULT 0; -- held by disputes that are open
-- The sandbox's own books of it.
CREATE TABLE sandbox_disputes (
  ref TEXT PRIMARY KEY, charge_key TEXT NOT NULL, amount_minor ${X_INT} NOT NULL CHECK (amount_minor > 0), fee_minor ${X_INT} NOT NULL, currency TEXT NOT NULL,
  reason TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('open','won','lost')), evidence TEXT NOT NULL DEFAULT '',
  due_at ${X_INT} NOT NULL, created_at ${X_INT} NOT NULL, updated_at ${X_INT} NOT NULL, closed_at ${X_INT} NOT NULL DEFAULT 0
) ${X_STRICT};
CREATE INDEX sandbox_disputes_charge ON sandbox_disputes(charge_key);
CREATE INDEX sandbox_disputes_changed ON sandbox_disputes(updated_at);
ALTER TABLE sandbox_charges ADD COLUMN succeeds_at ${X_INT} NOT NULL DEFAULT 0; -- of one that is still under way
CREATE TABLE sandbox_hooks (                  -- what the sandbox tells, as often and when it does
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, object TEXT NOT NULL,
  due_at ${X_INT} NOT NULL, left_times ${X_INT} NOT NULL, tries ${X_INT} NOT NULL DEFAULT 0, created_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE INDEX sandbox_hooks_due ON sandbox_hooks(due_at) WHERE left_times > 0;
-- +goose Down
