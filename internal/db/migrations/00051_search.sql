-- The words by which products are found. Words are folded and split in Go (internal/catalog/words.go),
-- so that both engines index the same ones. row_id numbers the rows for SQLite's full-text index, which
-- keeps no copy of the text; a product's own hidden row number may change when the file is compacted.

-- +goose Up
CREATE TABLE product_search (
  row_id     ${X_SERIAL},
  product_id TEXT NOT NULL UNIQUE REFERENCES products(id),
  title      TEXT NOT NULL,
  body       TEXT NOT NULL
${X_POSTGRES}  , doc tsvector NOT NULL GENERATED ALWAYS AS
${X_POSTGRES}    (setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', body), 'D')) STORED
) ${X_STRICT};
${X_POSTGRES}CREATE INDEX product_search_doc ON product_search USING gin (doc);

${X_SQLITE}CREATE VIRTUAL TABLE product_fts USING fts5 (
${X_SQLITE}  title, body, content = 'product_search', content_rowid = 'row_id', tokenize = 'unicode61 remove_diacritics 0'
${X_SQLITE});
${X_SQLITE}-- +goose StatementBegin
${X_SQLITE}CREATE TRIGGER product_search_added AFTER INSERT ON product_search BEGIN
${X_SQLITE}  INSERT INTO product_fts (rowid, title, body) VALUES (new.row_id, new.title, new.body);
${X_SQLITE}END;
${X_SQLITE}-- +goose StatementEnd
${X_SQLITE}-- +goose StatementBegin
${X_SQLITE}CREATE TRIGGER product_search_removed AFTER DELETE ON product_search BEGIN
${X_SQLITE}  INSERT INTO product_fts (product_fts, rowid, title, body) VALUES ('delete', old.row_id, old.title, old.body);
${X_SQLITE}END;
${X_SQLITE}-- +goose StatementEnd
${X_SQLITE}-- +goose StatementBegin
${X_SQLITE}CREATE TRIGGER product_search_changed AFTER UPDATE ON product_search BEGIN
${X_SQLITE}  INSERT INTO product_fts (product_fts, rowid, title, body) VALUES ('delete', old.row_id, old.title, old.body);
${X_SQLITE}  INSERT INTO product_fts (rowid, title, body) VALUES (new.row_id, new.title, new.body);
${X_SQLITE}END;
${X_SQLITE}-- +goose StatementEnd
