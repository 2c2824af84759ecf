-- +goose Up
-- People: who signs in, who shops unnamed, who creates, who sells.
-- Every room's public rows carry standing (visible | limited | removed) with by whom, why and when.
CREATE TABLE accounts (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL,
  email_key TEXT NOT NULL UNIQUE,           -- normalised for comparison (case, dots and tags of known hosts)
  display_name TEXT NOT NULL,
  password_hash TEXT NOT NULL,              -- argon2id, PHC string; '' when signing in another way
  over_18 ${X_FLAG} NOT NULL DEFAULT 0 CHECK (over_18 IN (0,1)),
  operator ${X_FLAG} NOT NULL DEFAULT 0 CHECK (operator IN (0,1)),
  demo ${X_FLAG} NOT NULL DEFAULT 0 CHECK (demo IN (0,1)),
  standing TEXT NOT NULL DEFAULT 'visible' CHECK (standing IN ('visible','limited','removed')),
  standing_reason TEXT NOT NULL DEFAULT '', standing_by TEXT NOT NULL DEFAULT '', standing_at ${X_INT} NOT NULL DEFAULT 0,
  version ${X_INT} NOT NULL DEFAULT 1,
  created_at ${X_INT} NOT NULL,
  erased_at ${X_INT} NOT NULL DEFAULT 0
) ${X_STRICT};
CREATE TABLE sessions (
  id TEXT PRIMARY KEY, secret_hash TEXT NOT NULL UNIQUE,
  account_id TEXT NOT NULL REFERENCES accounts(id),
  created_at ${X_INT} NOT NULL, expires_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE INDEX sessions_account ON sessions(account_id);
CREATE TABLE viewers (
  id TEXT PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts(id), joined_at ${X_INT} NOT NULL
) ${X_STRICT};                               -- only joined viewers have a row; the link is what erasing destroys
CREATE INDEX viewers_account ON viewers(account_id);
CREATE TABLE creators (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL UNIQUE REFERENCES accounts(id),
  handle TEXT NOT NULL UNIQUE,               -- lower case
  display_name TEXT NOT NULL, bio TEXT NOT NULL DEFAULT '', categories TEXT NOT NULL DEFAULT '[]',
  avatar_image_id TEXT NOT NULL DEFAULT '',
  version ${X_INT} NOT NULL DEFAULT 1, created_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE TABLE brands (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, slug TEXT NOT NULL UNIQUE,
  legal_name TEXT NOT NULL DEFAULT '', contact_email TEXT NOT NULL DEFAULT '', contact_address TEXT NOT NULL DEFAULT '',
  country TEXT NOT NULL, currency TEXT NOT NULL,
  demo ${X_FLAG} NOT NULL DEFAULT 0 CHECK (demo IN (0,1)),
  version ${X_INT} NOT NULL DEFAULT 1, created_at ${X_INT} NOT NULL
) ${X_STRICT};
CREATE TABLE brand_members (
  brand_id TEXT NOT NULL REFERENCES brands(id), account_id TEXT NOT NULL REFERENCES accounts(id),
  role TEXT NOT NULL CHECK (role IN ('owner','staff')), created_at ${X_INT} NOT NULL,
  PRIMARY KEY (brand_id, account_id)
) ${X_STRICT};
CREATE INDEX brand_members_account ON brand_members(account_id);
CREATE TABLE tokens (
  id TEXT PRIMARY KEY, secret_hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL, scopes TEXT NOT NULL,
  account_id TEXT NOT NULL DEFAULT '',       -- the person it speaks for, or
  brand_id TEXT NOT NULL DEFAULT '',         -- the brand it speaks for
  made_by TEXT NOT NULL, created_at ${X_INT} NOT NULL, revoked_at ${X_INT} NOT NULL DEFAULT 0
) ${X_STRICT};
CREATE INDEX tokens_account ON tokens(account_id);
CREATE INDEX tokens_brand ON tokens(brand_id);
CREATE TABLE write_keys (
  id TEXT PRIMARY KEY, secret_hash TEXT NOT NULL UNIQUE, brand_id TEXT NOT NULL REFERENCES brands(id),
  name TEXT NOT NULL, made_by TEXT NOT NULL, created_at ${X_INT} NOT NULL, revoked_at ${X_INT} NOT NULL DEFAULT 0
) ${X_STRICT};
CREATE INDEX write_keys_brand ON write_keys(brand_id);
-- +goose Down
