-- +goose Up
-- Attribution: what is paid for a brand's other products, budgets in the book, what a decision was made of,
-- who took part in it, and what people are known by for the question whether a creator buys from themselves.
ALTER TABLE programs ADD COLUMN indirect_bps ${X_INT} NOT NULL DEFAULT 0 CHECK (indirect_bps BETWEEN 0 AND 8000); -- of another product of the brand
ALTER TABLE programs ADD COLUMN budget_seq ${X_INT} NOT NULL DEFAULT 0;     -- counts what moved the budget in the book; 0: it is not in there
ALTER TABLE programs ADD COLUMN closed_at ${X_INT} NOT NULL DEFAULT 0;      -- since when its budget takes no new clicks; 0: it does
ALTER TABLE program_terms ADD COLUMN indirect_bps ${X_INT} NOT NULL DEFAULT 0;
CREATE TABLE program_closures (               -- when a program's budget took no new clicks
  program_id TEXT NOT NULL REFERENCES programs(id), from_at ${X_INT} NOT NULL,
  until_at ${X_INT} NOT NULL DEFAULT 0,         -- 0: still
  PRIMARY KEY (program_id, from_at)
) ${X_STRICT};
ALTER TABLE attributions ADD COLUMN facts TEXT NOT NULL DEFAULT '';         -- JSON; what the receipt was made of, to make it again; '' of receipts older than it
CREATE TABLE attribution_candidates (         -- each creator whose touch was considered for a line
  line_id TEXT NOT NULL, creator_id TEXT NOT NULL, order_id TEXT NOT NULL, product_id TEXT NOT NULL,
  lost TEXT NOT NULL,                         -- why their strongest touch lost; '' when it won
  decided_at ${X_INT} NOT NULL, PRIMARY KEY (line_id, creator_id)
) ${X_STRICT};
CREATE INDEX attribution_candidates_creator ON attribution_candidates(creator_id, line_id);
DROP INDEX touches_viewer;
CREATE INDEX touches_viewer ON touches(viewer_id, brand_id, at);
CREATE TABLE account_marks (                  -- hashes only, of what a person is known by beside the account
  account_id TEXT NOT NULL REFERENCES accounts(id),
  kind TEXT NOT NULL CHECK (kind IN ('address','phone','device','instrument')),
  mark TEXT NOT NULL, first_at ${X_INT} NOT NULL, PRIMARY KEY (kind, mark, account_id)
) ${X_STRICT};
CREATE INDEX account_marks_account ON account_marks(account_id);
-- +goose Down
