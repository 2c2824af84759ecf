-- +goose Up
-- What a provider has paid to a bank of ours; booked once the provider is known to have done it.
CREATE TABLE bank_settlements (
  id TEXT PRIMARY KEY, provider TEXT NOT NULL, bank TEXT NOT NULL, currency TEXT NOT NULL,
  amount_minor ${X_INT} NOT NULL CHECK (amount_minor > 0),
  reference TEXT NOT NULL,                    -- the bank's own name for the line
  made_by TEXT NOT NULL, created_at ${X_INT} NOT NULL, booked_at ${X_INT} NOT NULL DEFAULT 0, UNIQUE (provider, reference)
) ${X_STRICT};
CREATE INDEX bank_settlements_open ON bank_settlements(id) WHERE booked_at = 0;
${X_KEEP bank_settlements (provider, bank, currency, amount_minor, reference, made_by, created_at)}
-- How operators dealt with differences between provider and books: each a row that stays.
CREATE TABLE difference_notes (
  id TEXT PRIMARY KEY, provider TEXT NOT NULL, subject TEXT NOT NULL, currency TEXT NOT NULL,
  provider_minor ${X_INT} NOT NULL, book_minor ${X_INT} NOT NULL,          -- as they stood when it was dealt with
  note TEXT NOT NULL, made_by TEXT NOT NULL, at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE INDEX difference_notes_of ON difference_notes(provider, subject, currency);
${X_APPEND_ONLY difference_notes}
-- +goose Down
