-- +goose Up
-- What a program promises of free samples: so many in all, content within days of arrival, and whether the price is paid without it.
CREATE TABLE program_samples (
  program_id TEXT PRIMARY KEY REFERENCES programs(id),
  offered ${X_INT} NOT NULL CHECK (offered IN (0,1)),
  units ${X_INT} NOT NULL CHECK (units > 0), given ${X_INT} NOT NULL DEFAULT 0 CHECK (given >= 0 AND given <= units),
  days ${X_INT} NOT NULL CHECK (days > 0), charged ${X_INT} NOT NULL CHECK (charged IN (0,1))
) ${X_STRICT};
CREATE TABLE samples (
  id TEXT PRIMARY KEY, program_id TEXT NOT NULL REFERENCES programs(id), brand_id TEXT NOT NULL REFERENCES brands(id),
  creator_id TEXT NOT NULL REFERENCES creators(id), account_id TEXT NOT NULL,
  product_id TEXT NOT NULL REFERENCES products(id), variant_id TEXT NOT NULL REFERENCES variants(id),
  state TEXT NOT NULL CHECK (state IN ('requested','approved','declined','cancelled','shipped','delivered','lost','returned','fulfilled','overdue')),
  address TEXT NOT NULL,                      -- JSON; '' once it has ended
  country TEXT NOT NULL,
  note TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
  days ${X_INT} NOT NULL CHECK (days > 0),    -- as they were said when it was asked for
  price_minor ${X_INT} NOT NULL CHECK (price_minor >= 0), currency TEXT NOT NULL, -- what is paid without content; 0: nothing
  charged_minor ${X_INT} NOT NULL DEFAULT 0 CHECK (charged_minor IN (0, price_minor)),
  carrier TEXT NOT NULL DEFAULT '', tracking TEXT NOT NULL DEFAULT '', video_id TEXT NOT NULL DEFAULT '',
  requested_at ${X_INT} NOT NULL, decided_at ${X_INT} NOT NULL DEFAULT 0, shipped_at ${X_INT} NOT NULL DEFAULT 0,
  delivered_at ${X_INT} NOT NULL DEFAULT 0, ended_at ${X_INT} NOT NULL DEFAULT 0,
  due_at ${X_INT} NOT NULL,                   -- when the sweep acts, by the state; 0 once it has ended
  version ${X_INT} NOT NULL DEFAULT 1
) ${X_STRICT};
CREATE UNIQUE INDEX samples_once ON samples(creator_id, product_id) WHERE state NOT IN ('declined','cancelled');
CREATE INDEX samples_creator ON samples(creator_id, id);
CREATE INDEX samples_brand ON samples(brand_id, id);
CREATE INDEX samples_due ON samples(due_at) WHERE due_at > 0;
CREATE INDEX samples_out ON samples(creator_id) WHERE state IN ('shipped','delivered');
${X_KEEP samples (program_id, brand_id, creator_id, product_id, variant_id, country, days, currency, requested_at)}
-- Where the units went: from the brand's stock to the creator, and perhaps back, or out of the world. Both sides of each.
CREATE TABLE sample_moves (
  sample_id TEXT NOT NULL REFERENCES samples(id), number ${X_INT} NOT NULL CHECK (number > 0), variant_id TEXT NOT NULL,
  from_place TEXT NOT NULL, to_place TEXT NOT NULL, units ${X_INT} NOT NULL CHECK (units = 1), moved_at ${X_INT} NOT NULL,
  PRIMARY KEY (sample_id, number)
) ${X_STRICT};
${X_APPEND_ONLY sample_moves}
-- +goose Down
