-- +goose Up
-- What a rail took back of a payout that has arrived, and is booked.
ALTER TABLE payouts ADD COLUMN back_minor ${X_INT} NOT NULL DEFAULT 0 CHECK (back_minor >= 0);
-- +goose Down
