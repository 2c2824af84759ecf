-- +goose Up
-- The books: transfers and their entries are added, never changed. Amounts are minor units,
-- credits positive and debits negative, so that every transfer and every currency sums to zero.
CREATE TABLE ledger_transfers (
  seq        ${X_SERIAL},
  key        TEXT NOT NULL UNIQUE,           -- what of the business it is: order:…:paid:…
  kind       TEXT NOT NULL,
  currency   TEXT NOT NULL,
  reverses   TEXT UNIQUE,                    -- key of the transfer it takes back
  hash       ${X_BLOB} NOT NULL,             -- sha256 of its content
  created_at BIGINT NOT NULL
) ${X_STRICT};
${X_APPEND_ONLY ledger_transfers}
CREATE TABLE ledger_entries (
  id            BIGINT PRIMARY KEY,          -- the transfer's seq × 64 + place
  account       TEXT NOT NULL,
  currency      TEXT NOT NULL,
  amount        BIGINT NOT NULL CHECK (amount <> 0),
  version       BIGINT,                      -- of accounts with a limit: counts their entries without gaps
  balance_after BIGINT CHECK (balance_after >= 0)
) ${X_STRICT};
CREATE INDEX ledger_entries_account ON ledger_entries(account, currency, id);
${X_APPEND_ONLY ledger_entries}
-- Cached balances: of accounts with a limit in the transaction that moves them, of all others
-- when the sealer has come by (then version counts the entries summed).
CREATE TABLE ledger_accounts (
  name       TEXT NOT NULL,
  currency   TEXT NOT NULL,
  limited    SMALLINT NOT NULL CHECK (limited IN (0,1)),
  balance    BIGINT NOT NULL,
  version    BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (name, currency)
) ${X_STRICT};
${X_KEEP ledger_accounts (name, currency, limited)}
CREATE TABLE ledger_unsealed (seq BIGINT PRIMARY KEY) ${X_STRICT};
-- A seal hashes the seal before it and the transfers it took, in order of their seq.
CREATE TABLE ledger_seals (
  number     BIGINT PRIMARY KEY,
  transfers  BIGINT NOT NULL CHECK (transfers > 0),
  hash       ${X_BLOB} NOT NULL,
  created_at BIGINT NOT NULL
) ${X_STRICT};
${X_APPEND_ONLY ledger_seals}
CREATE TABLE ledger_sealed (
  seq  BIGINT PRIMARY KEY,
  seal BIGINT NOT NULL
) ${X_STRICT};
${X_APPEND_ONLY ledger_sealed}
-- The triggers hold against everybody; this holds even where a superuser has disabled them
-- for the role that mezzo signs in with.
${X_POSTGRES}REVOKE UPDATE, DELETE, TRUNCATE ON ledger_transfers, ledger_entries, ledger_seals, ledger_sealed FROM PUBLIC;
${X_POSTGRES}REVOKE UPDATE, DELETE, TRUNCATE ON ledger_transfers, ledger_entries, ledger_seals, ledger_sealed FROM CURRENT_USER;
