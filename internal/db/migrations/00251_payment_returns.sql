-- +goose Up
-- Each asking of the provider to give a payment back: what for, and what it said. Its key is of its own, for a
-- provider takes one key for one amount only.
CREATE TABLE payment_returns (
  payment_id TEXT NOT NULL REFERENCES payments(id), nth ${X_INT} NOT NULL CHECK (nth >= 0),
  amount_minor ${X_INT} NOT NULL CHECK (amount_minor > 0),
  disputes ${X_INT} NOT NULL,                 -- how many of the payment had ended by then
  state TEXT NOT NULL CHECK (state IN ('asked','refused','made')),
  asked_at ${X_INT} NOT NULL, updated_at ${X_INT} NOT NULL, PRIMARY KEY (payment_id, nth)
) ${X_STRICT};
${X_KEEP payment_returns (payment_id, nth, amount_minor, disputes, asked_at)}
-- +goose Down
