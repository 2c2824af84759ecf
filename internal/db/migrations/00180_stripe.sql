-- +goose Up
-- What was asked of Stripe and what it said: each row is written before the call, so that a call whose answer was
-- lost is repeated under the same idempotency key. No card data is here or anywhere else in Mezzo.
CREATE TABLE stripe_sessions (                -- one Checkout page for each attempt to pay
  key TEXT PRIMARY KEY,                       -- the payment's id
  amount_minor ${X_INT} NOT NULL, currency TEXT NOT NULL, return_url TEXT NOT NULL DEFAULT '',
  expires_at ${X_INT} NOT NULL,               -- when Stripe ends the page
  tries ${X_INT} NOT NULL DEFAULT 0,          -- how often Stripe has refused to make it: part of the idempotency key
  state TEXT NOT NULL CHECK (state IN ('asking','open','succeeded','cancelled','refused')),
  session_id TEXT NOT NULL DEFAULT '', url TEXT NOT NULL DEFAULT '', intent_id TEXT NOT NULL DEFAULT '', charge_id TEXT NOT NULL DEFAULT '',
  fingerprint TEXT NOT NULL DEFAULT '',       -- Stripe's name of the card behind it, the same for the same card
  created_at ${X_INT} NOT NULL, updated_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE UNIQUE INDEX stripe_sessions_session ON stripe_sessions(session_id) WHERE session_id <> '';
CREATE UNIQUE INDEX stripe_sessions_intent ON stripe_sessions(intent_id) WHERE intent_id <> '';
CREATE TABLE stripe_refunds (
  key TEXT PRIMARY KEY, session_key TEXT NOT NULL, amount_minor ${X_INT} NOT NULL CHECK (amount_minor > 0), currency TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('asking','pending','succeeded','failed')),
  refund_id TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
  ask_at ${X_INT} NOT NULL DEFAULT 0,         -- of a pending one, when Stripe is asked again
  created_at ${X_INT} NOT NULL, updated_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE UNIQUE INDEX stripe_refunds_refund ON stripe_refunds(refund_id) WHERE refund_id <> '';
CREATE TABLE stripe_accounts (                -- connected accounts of those who are paid
  owner TEXT PRIMARY KEY,                     -- crt_… or brd_…
  country TEXT NOT NULL, account_id TEXT NOT NULL DEFAULT '',
  submitted ${X_FLAG} NOT NULL DEFAULT 0 CHECK (submitted IN (0,1)),
  transfers ${X_FLAG} NOT NULL DEFAULT 0 CHECK (transfers IN (0,1)),
  payouts ${X_FLAG} NOT NULL DEFAULT 0 CHECK (payouts IN (0,1)),
  due ${X_JSON} NOT NULL, disabled TEXT NOT NULL DEFAULT '',
  created_at ${X_INT} NOT NULL, updated_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE UNIQUE INDEX stripe_accounts_account ON stripe_accounts(account_id) WHERE account_id <> '';
CREATE TABLE stripe_transfers (
  key TEXT PRIMARY KEY,                       -- the payout's id
  account_id TEXT NOT NULL, amount_minor ${X_INT} NOT NULL CHECK (amount_minor > 0), currency TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('asking','paid','failed','reversed')),
  transfer_id TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
  created_at ${X_INT} NOT NULL, updated_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE UNIQUE INDEX stripe_transfers_transfer ON stripe_transfers(transfer_id) WHERE transfer_id <> '';
CREATE TABLE stripe_events (                  -- what Stripe has told, each once
  id TEXT PRIMARY KEY, type TEXT NOT NULL, outcome TEXT NOT NULL DEFAULT '',   -- '': not dealt with yet
  received_at ${X_INT} NOT NULL, handled_at ${X_INT} NOT NULL DEFAULT 0
) ${X_STRICT};
CREATE INDEX stripe_events_at ON stripe_events(received_at);
ALTER TABLE sandbox_charges ADD COLUMN fee_minor ${X_INT} NOT NULL DEFAULT 0;
-- +goose Down
