-- +goose Up
-- What somebody buys at once is bought alone, in a cart beside their bag; the bag keeps what is in it.
ALTER TABLE carts ADD COLUMN beside ${X_INT} NOT NULL DEFAULT 0 CHECK (beside IN (0,1));

-- +goose Down
ALTER TABLE carts DROP COLUMN beside;
