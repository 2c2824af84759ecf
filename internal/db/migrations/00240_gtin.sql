-- +goose Up
-- A brand's own site calls its products by GTIN where it has them: each text it sends is looked for.
CREATE INDEX variants_gtin ON variants(brand_id, gtin) WHERE gtin <> '';

-- +goose Down
DROP INDEX variants_gtin;
