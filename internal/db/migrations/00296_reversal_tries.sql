-- +goose Up
-- How often Stripe has refused to take a transfer back, and held too little for a refund: each time is asked for under a key of its own.
ALTER TABLE stripe_transfers ADD COLUMN back_tries ${X_INT} NOT NULL DEFAULT 0;
ALTER TABLE stripe_refunds ADD COLUMN tries ${X_INT} NOT NULL DEFAULT 0;
-- +goose Down
