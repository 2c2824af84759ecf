-- +goose Up
-- How often Stripe held too little for a transfer: it answers the same under the same key for a day, so each time has its own.
ALTER TABLE stripe_transfers ADD COLUMN tries ${X_INT} NOT NULL DEFAULT 0;
-- +goose Down
