-- +goose Up
-- Who is paid, where to, and each payout. An owner is a creator (crt_…) or a brand (brd_…).
CREATE TABLE vault_keys (                     -- which keys sealed rows were sealed with; the keys themselves are in a file
  number ${X_INT} PRIMARY KEY, fingerprint TEXT NOT NULL, made_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE TABLE payees (
  owner TEXT PRIMARY KEY,
  sealed ${X_BLOB} NOT NULL,                  -- name, address, tax id: encrypted, bound to its owner
  complete ${X_FLAG} NOT NULL CHECK (complete IN (0,1)),
  country TEXT NOT NULL DEFAULT '',           -- of tax residence: what withholding goes by
  changed_by TEXT NOT NULL, version ${X_INT} NOT NULL DEFAULT 1, created_at ${X_INT} NOT NULL, updated_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE TABLE destinations (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, rail TEXT NOT NULL,
  label TEXT NOT NULL,                        -- "Lone Star Credit Union ·· 8830"
  sealed ${X_BLOB} NOT NULL,                  -- holder and account: encrypted, bound to this row
  mark TEXT NOT NULL,                         -- keyed hash of the account: the same one twice, or of two owners
  state TEXT NOT NULL CHECK (state IN ('active','flagged','removed')), reason TEXT NOT NULL DEFAULT '',
  usable_at ${X_INT} NOT NULL,                -- added + cooling-off; the first may be used at once
  added_by TEXT NOT NULL, created_at ${X_INT} NOT NULL, updated_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE INDEX destinations_owner ON destinations(owner, id);
CREATE INDEX destinations_mark ON destinations(mark);
${X_KEEP destinations (owner, rail, added_by, created_at)}
CREATE TABLE payouts (
  id TEXT PRIMARY KEY,                        -- also the idempotency key at the rail
  owner TEXT NOT NULL, rail TEXT NOT NULL, destination_id TEXT NOT NULL, label TEXT NOT NULL,
  currency TEXT NOT NULL, amount_minor ${X_INT} NOT NULL CHECK (amount_minor > 0),
  withheld_minor ${X_INT} NOT NULL CHECK (withheld_minor >= 0 AND withheld_minor < amount_minor),
  jurisdiction TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL CHECK (state IN ('created','sent','confirmed','failed','returned')),
  approvals ${X_INT} NOT NULL,                -- how many operators must agree
  approved ${X_INT} NOT NULL DEFAULT 0,       -- how many have
  scheduled ${X_FLAG} NOT NULL DEFAULT 0 CHECK (scheduled IN (0,1)),
  batch TEXT NOT NULL DEFAULT '',             -- of the file it was exported in
  reference TEXT NOT NULL DEFAULT '', failure TEXT NOT NULL DEFAULT '',
  asked_by TEXT NOT NULL, created_at ${X_INT} NOT NULL, sent_at ${X_INT} NOT NULL DEFAULT 0, settled_at ${X_INT} NOT NULL DEFAULT 0,
  ask_at ${X_INT} NOT NULL DEFAULT 0,         -- when the sweep asks the rail again; 0: never
  updated_at ${X_INT} NOT NULL,
  CHECK (approved >= 0 AND approved <= approvals)
) ${X_STRICT};
CREATE INDEX payouts_owner ON payouts(owner, id);
CREATE INDEX payouts_state ON payouts(state, id);
CREATE INDEX payouts_due ON payouts(ask_at) WHERE ask_at > 0;
CREATE INDEX payouts_batch ON payouts(batch) WHERE batch <> '';
${X_KEEP payouts (owner, rail, destination_id, currency, amount_minor, withheld_minor, jurisdiction, asked_by, created_at)}
CREATE TABLE payout_votes (                   -- what operators said of one above the limit
  payout_id TEXT NOT NULL REFERENCES payouts(id), operator TEXT NOT NULL, approves ${X_FLAG} NOT NULL CHECK (approves IN (0,1)),
  reason TEXT NOT NULL DEFAULT '', at ${X_INT} NOT NULL, PRIMARY KEY (payout_id, operator)
) ${X_STRICT};
${X_APPEND_ONLY payout_votes}
CREATE TABLE payout_schedules (
  owner TEXT NOT NULL, every TEXT NOT NULL CHECK (every IN ('manual','weekly','monthly')), destination_id TEXT NOT NULL DEFAULT '',
  next_at ${X_INT} NOT NULL DEFAULT 0, last_note TEXT NOT NULL DEFAULT '', changed_by TEXT NOT NULL, updated_at ${X_INT} NOT NULL, PRIMARY KEY (owner)
) ${X_STRICT};
CREATE INDEX payout_schedules_due ON payout_schedules(next_at) WHERE next_at > 0;
CREATE TABLE payout_settings (                -- each change is a row; the newest holds
  version ${X_INT} PRIMARY KEY, body ${X_JSON} NOT NULL, changed_by TEXT NOT NULL, changed_at ${X_INT} NOT NULL
) ${X_STRICT};
${X_APPEND_ONLY payout_settings}
CREATE TABLE payout_batches (                 -- files handed to the bank
  id TEXT PRIMARY KEY, made_by TEXT NOT NULL, payouts ${X_INT} NOT NULL, created_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE TABLE payout_unmatched (               -- lines of a file of results that fit no payout
  id TEXT PRIMARY KEY, file TEXT NOT NULL, line ${X_INT} NOT NULL, text TEXT NOT NULL, reason TEXT NOT NULL,
  read_by TEXT NOT NULL, created_at ${X_INT} NOT NULL, settled_by TEXT NOT NULL DEFAULT '', settled_at ${X_INT} NOT NULL DEFAULT 0, UNIQUE (file, line)
) ${X_STRICT};
CREATE TABLE reconciliations (                -- each comparison of a provider's report with the books
  id TEXT PRIMARY KEY, provider TEXT NOT NULL, from_at ${X_INT} NOT NULL, to_at ${X_INT} NOT NULL,
  lines ${X_INT} NOT NULL, found ${X_INT} NOT NULL, balances ${X_JSON} NOT NULL, created_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE TABLE differences (                    -- where they differ, until they agree or an operator has dealt with it
  provider TEXT NOT NULL, subject TEXT NOT NULL, currency TEXT NOT NULL,
  provider_minor ${X_INT} NOT NULL, book_minor ${X_INT} NOT NULL, found_at ${X_INT} NOT NULL, seen_at ${X_INT} NOT NULL,
  settled_at ${X_INT} NOT NULL DEFAULT 0, settled_by TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '', PRIMARY KEY (provider, subject, currency)
) ${X_STRICT};
CREATE TABLE sandbox_payouts (                -- the sandbox provider's own book of what it paid out
  key TEXT PRIMARY KEY, destination TEXT NOT NULL, amount_minor ${X_INT} NOT NULL CHECK (amount_minor > 0), currency TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending','paid','failed','returned')), reason TEXT NOT NULL DEFAULT '',
  due_at ${X_INT} NOT NULL DEFAULT 0, created_at ${X_INT} NOT NULL, updated_at ${X_INT} NOT NULL, returned_at ${X_INT} NOT NULL DEFAULT 0
) ${X_STRICT};
CREATE INDEX sandbox_payouts_at ON sandbox_payouts(updated_at);
-- +goose Down
