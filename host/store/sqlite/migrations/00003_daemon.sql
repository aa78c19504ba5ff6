-- What the daemon remembers of flows beside what they did: which ones a person paused, and since when.

-- +goose Up
CREATE TABLE paused (
  flow  TEXT PRIMARY KEY,
  since INTEGER NOT NULL
) WITHOUT ROWID;

-- Counting what waits, by flow and cause, reads this index alone.
CREATE INDEX record_counts ON record (flow, status, cause);
