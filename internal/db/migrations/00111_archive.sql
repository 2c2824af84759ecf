-- +goose Up
-- Archive: the files in which the records of the log are kept when it has let go of them. Each goes on where the
-- one before it ended; a row is written once the file was read back and holds what was written.
CREATE TABLE archive_files (
  number ${X_INT} PRIMARY KEY,                  -- counts up without a gap
  from_position TEXT NOT NULL, to_position TEXT NOT NULL,
  first_at ${X_INT} NOT NULL, last_at ${X_INT} NOT NULL,  -- stamps of the first and the last record
  records ${X_INT} NOT NULL, events ${X_INT} NOT NULL, facts ${X_INT} NOT NULL,
  bytes ${X_INT} NOT NULL, sum TEXT NOT NULL,   -- CRC-64 of the records in order, hexadecimal
  blob TEXT NOT NULL,
  verified_at ${X_INT} NOT NULL,
  going ${X_FLAG} NOT NULL DEFAULT 0 CHECK (going IN (0,1))  -- its retention is over and the file is being deleted
) ${X_STRICT};
CREATE INDEX archive_files_last ON archive_files(last_at);
-- +goose Down
