-- +goose Up
-- What the operator had a bank of ours change of our own money into another currency; booked when it is noted.
CREATE TABLE exchanges (
  id TEXT PRIMARY KEY, bank TEXT NOT NULL,
  out_minor ${X_INT} NOT NULL CHECK (out_minor > 0), out_currency TEXT NOT NULL,
  in_minor ${X_INT} NOT NULL CHECK (in_minor > 0), in_currency TEXT NOT NULL CHECK (in_currency <> out_currency),
  reference TEXT NOT NULL,                    -- the bank's own name for it
  done_on TEXT NOT NULL,                      -- the day on the bank's statement
  made_by TEXT NOT NULL, created_at ${X_INT} NOT NULL, UNIQUE (bank, reference)
) ${X_STRICT};
${X_APPEND_ONLY exchanges}
-- +goose Down
