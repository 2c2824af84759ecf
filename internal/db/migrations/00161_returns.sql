-- +goose Up
-- Returns: what a buyer asks back of one brand's part after it arrived, and what the brand says to it.
CREATE TABLE returns (
  id TEXT PRIMARY KEY, order_id TEXT NOT NULL REFERENCES orders(id), part_id TEXT NOT NULL REFERENCES order_parts(id), brand_id TEXT NOT NULL,
  keeps ${X_FLAG} NOT NULL CHECK (keeps IN (0,1)),                 -- refund only: the goods stay with the buyer
  state TEXT NOT NULL CHECK (state IN ('requested','approved','declined','withdrawn','refunded')),
  note TEXT NOT NULL DEFAULT '', decided_by TEXT NOT NULL DEFAULT '',  -- what the brand said; who answered: an account or platform
  carrier TEXT NOT NULL DEFAULT '', tracking TEXT NOT NULL DEFAULT '', sent_at ${X_INT} NOT NULL DEFAULT 0,
  refund_id TEXT NOT NULL DEFAULT '', due_at ${X_INT} NOT NULL DEFAULT 0, -- when the platform answers for the brand; 0 never
  created_at ${X_INT} NOT NULL, decided_at ${X_INT} NOT NULL DEFAULT 0
) ${X_STRICT};
CREATE INDEX returns_order ON returns(order_id);
CREATE INDEX returns_brand ON returns(brand_id, state, id);
CREATE INDEX returns_due ON returns(due_at) WHERE state IN ('requested','approved') AND due_at > 0;
CREATE TABLE return_lines (
  return_id TEXT NOT NULL REFERENCES returns(id), line_id TEXT NOT NULL REFERENCES order_lines(id),
  quantity ${X_INT} NOT NULL CHECK (quantity > 0), reason TEXT NOT NULL, PRIMARY KEY (return_id, line_id)
) ${X_STRICT};
${X_APPEND_ONLY return_lines}
-- +goose Down
