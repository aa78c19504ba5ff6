-- What is kept beside log lines, sealed with a key a day. id is 64 times the line's id and a number from 0 to 63: slices lie
-- beside each other by line without an index of their own, and behind one another as they come.
-- A label of a log line is sealed too; it is found by a keyed hash of 64 bits.

-- +goose Up
CREATE TABLE slice (
  id   INTEGER PRIMARY KEY,
  day  INTEGER NOT NULL,
  body BLOB NOT NULL
);
CREATE INDEX slice_day ON slice (day);

ALTER TABLE log ADD COLUMN label BLOB NOT NULL DEFAULT x'';
ALTER TABLE log ADD COLUMN label_hash INTEGER NOT NULL DEFAULT 0;
CREATE INDEX log_label ON log (label_hash) WHERE label_hash <> 0;
