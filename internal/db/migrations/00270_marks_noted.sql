-- +goose Up
-- Whether what an owner is known by, at home and by an account to be paid on, has been noted among account_marks: the
-- sweep does it for rows from before they were.
ALTER TABLE payees ADD COLUMN noted ${X_FLAG} NOT NULL DEFAULT 0;
ALTER TABLE destinations ADD COLUMN noted ${X_FLAG} NOT NULL DEFAULT 0;
CREATE INDEX payees_unnoted ON payees(owner) WHERE noted = 0;
CREATE INDEX destinations_unnoted ON destinations(id) WHERE noted = 0;
-- +goose Down
