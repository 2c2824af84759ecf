-- +goose Up
-- What the platform's labels cost, with its history: a rate is never edited. A change ends the row and puts another in
-- its place; ended rows stay, so that every label that was ever sold can be found with who priced it.
CREATE TABLE label_rates (
  id TEXT PRIMARY KEY, carrier TEXT NOT NULL,
  account TEXT NOT NULL,                       -- the carrier's word in the book: carrier:<account>
  service TEXT NOT NULL, currency TEXT NOT NULL, price_minor ${X_INT} NOT NULL CHECK (price_minor > 0),
  replaces TEXT NOT NULL DEFAULT '', made_by TEXT NOT NULL, made_at ${X_INT} NOT NULL,
  ended_by TEXT NOT NULL DEFAULT '', ended_at ${X_INT} NOT NULL DEFAULT 0   -- 0: in force
) ${X_STRICT};
CREATE UNIQUE INDEX label_rates_in_force ON label_rates(currency, account, service) WHERE ended_at = 0;
${X_KEEP label_rates (carrier, account, service, currency, price_minor, replaces, made_by, made_at)}
-- A parcel's label as it was bought, and what the labels of a part came to. 0: its brand carries it.
ALTER TABLE shipments ADD COLUMN label_id TEXT NOT NULL DEFAULT '';
ALTER TABLE shipments ADD COLUMN label_account TEXT NOT NULL DEFAULT '';
ALTER TABLE shipments ADD COLUMN label_service TEXT NOT NULL DEFAULT '';
ALTER TABLE shipments ADD COLUMN label_minor ${X_INT} NOT NULL DEFAULT 0;
ALTER TABLE order_parts ADD COLUMN label_minor ${X_INT} NOT NULL DEFAULT 0;
-- Of the shipping a refund gives back, what the platform had kept beside its labels.
ALTER TABLE refunds ADD COLUMN shipping_margin_minor ${X_INT} NOT NULL DEFAULT 0;
-- What carriers were paid for labels, each line of the bank's statement once.
CREATE TABLE carrier_payments (
  id TEXT PRIMARY KEY, account TEXT NOT NULL, bank TEXT NOT NULL, currency TEXT NOT NULL,
  amount_minor ${X_INT} NOT NULL CHECK (amount_minor > 0),
  reference TEXT NOT NULL, made_by TEXT NOT NULL, created_at ${X_INT} NOT NULL, UNIQUE (account, reference)
) ${X_STRICT};
${X_APPEND_ONLY carrier_payments}
-- +goose Down
