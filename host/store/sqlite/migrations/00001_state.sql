-- Words that repeat (flows, connections, objects, steps, codes …) stand once in name; the tables hold its small number.
-- Times are microseconds since 1970 in UTC, 0 for none. The ends of links and the keys of log lines are found by a hash of
-- 64 bits and then compared in full: an index entry of 12 bytes instead of 50 keeps a million of them in the cache.
-- The busiest tables (link, intent, log) do without REFERENCES: a name is never deleted, and each check costs a look-up.

-- +goose Up
CREATE TABLE name (
  id   INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
);
INSERT INTO name (id, text) VALUES (0, '');

CREATE TABLE revision (
  number INTEGER PRIMARY KEY,
  time   INTEGER NOT NULL,
  config BLOB NOT NULL
);

CREATE TABLE secret (
  connection TEXT NOT NULL,
  name       TEXT NOT NULL,
  value      BLOB NOT NULL,
  PRIMARY KEY (connection, name)
) WITHOUT ROWID;

-- A lease that was given back keeps its row with holder '', so that its term goes on growing.
CREATE TABLE lease (
  name   TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  term   INTEGER NOT NULL,
  until  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE run (
  seq     INTEGER PRIMARY KEY,
  id      TEXT NOT NULL UNIQUE,
  flow    INTEGER NOT NULL REFERENCES name,
  trigger TEXT NOT NULL,
  status  TEXT NOT NULL,
  started INTEGER NOT NULL,
  ended   INTEGER NOT NULL,
  counts  TEXT NOT NULL,
  error   TEXT NOT NULL
);
CREATE INDEX run_started ON run (started);
CREATE INDEX run_flow ON run (flow, started);

CREATE TABLE cursor (
  flow   INTEGER NOT NULL REFERENCES name,
  object INTEGER NOT NULL REFERENCES name,
  value  BLOB NOT NULL,
  PRIMARY KEY (flow, object)
) WITHOUT ROWID;

-- a_hash is over A's end and B's connection, b_hash over B's end and A's connection: a link is found from either end.
CREATE TABLE link (
  id           INTEGER PRIMARY KEY,
  a_hash       INTEGER NOT NULL,
  b_hash       INTEGER NOT NULL,
  a_connection INTEGER NOT NULL,
  a_object     INTEGER NOT NULL,
  b_connection INTEGER NOT NULL,
  b_object     INTEGER NOT NULL,
  kind         INTEGER NOT NULL,
  verified     INTEGER NOT NULL,
  created      INTEGER NOT NULL,
  updated      INTEGER NOT NULL,
  a_key        TEXT NOT NULL,
  b_key        TEXT NOT NULL,
  source       BLOB NOT NULL,
  sent         BLOB NOT NULL,
  observed     BLOB NOT NULL
);
CREATE INDEX link_a ON link (a_hash);
CREATE INDEX link_b ON link (b_hash);

CREATE TABLE record (
  id       INTEGER PRIMARY KEY,
  flow     INTEGER NOT NULL REFERENCES name,
  status   INTEGER NOT NULL REFERENCES name,
  cause    INTEGER NOT NULL REFERENCES name,
  attempts INTEGER NOT NULL,
  since    INTEGER NOT NULL,
  updated  INTEGER NOT NULL,
  date     INTEGER NOT NULL,
  key      TEXT NOT NULL,
  label    TEXT NOT NULL,
  reason   TEXT NOT NULL,
  remedy   TEXT NOT NULL,
  source   BLOB NOT NULL,
  revision INTEGER NOT NULL
);
CREATE UNIQUE INDEX record_key ON record (flow, key);
CREATE INDEX record_status ON record (status, flow);

-- state: 0 open, 1 unknown, 2 given up, above that final.
CREATE TABLE intent (
  id          INTEGER PRIMARY KEY,
  state       INTEGER NOT NULL,
  flow        INTEGER NOT NULL,
  connection  INTEGER NOT NULL,
  object      INTEGER NOT NULL,
  action      INTEGER NOT NULL,
  step        INTEGER NOT NULL,
  cause       INTEGER NOT NULL,
  opened      INTEGER NOT NULL,
  not_after   INTEGER NOT NULL,
  settled     INTEGER NOT NULL,
  run         TEXT NOT NULL,
  key         TEXT NOT NULL,
  identity    TEXT NOT NULL,
  reference   TEXT NOT NULL,
  result_key  TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  source      BLOB NOT NULL,
  expect      BLOB NOT NULL
);
-- Works on one identity are serialised: the database itself refuses the second one.
CREATE UNIQUE INDEX intent_busy ON intent (connection, object, identity) WHERE state <= 2 AND identity <> '';
CREATE INDEX intent_open ON intent (id) WHERE state <= 2;

CREATE TABLE plan (
  seq      INTEGER PRIMARY KEY,
  id       TEXT NOT NULL UNIQUE,
  flow     TEXT NOT NULL,
  created  INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  items    BLOB NOT NULL
);

CREATE TABLE log (
  id       INTEGER PRIMARY KEY,
  time     INTEGER NOT NULL,
  key_hash INTEGER NOT NULL,
  flow     INTEGER NOT NULL,
  step     INTEGER NOT NULL,
  action   INTEGER NOT NULL,
  object   INTEGER NOT NULL,
  outcome  INTEGER NOT NULL,
  cause    INTEGER NOT NULL,
  millis   INTEGER NOT NULL,
  run      TEXT NOT NULL,
  key      TEXT NOT NULL,
  result   TEXT NOT NULL,
  message  TEXT NOT NULL
);
CREATE INDEX log_key ON log (key_hash) WHERE key_hash <> 0;
CREATE INDEX log_time ON log (time);
