-- The ledger. Written for SQLite; for PostgreSQL the types INTEGER and BLOB become BIGINT and BYTEA, and
-- STRICT, which PostgreSQL always is, is left out. Times are microseconds since 1970, UTC, by the
-- store's clock. A mac is HMAC-SHA-256 over what its row
-- says, by the key that key_id names.

-- One row: where the audit trail stands. Every write takes this row first, so that writes come one after the other.
CREATE TABLE head (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  chain      BLOB    NOT NULL, -- names this trail, so that rows of another do not fit
  account    TEXT    NOT NULL, -- the Databricks account that the ledger is of
  first_seq  INTEGER NOT NULL, -- the oldest row that is kept, and the hash before it
  first_prev BLOB    NOT NULL,
  seq        INTEGER NOT NULL, -- the newest row, and its hash
  hash       BLOB    NOT NULL,
  at         INTEGER NOT NULL, -- the ledger's time: it does not go back
  clock      INTEGER NOT NULL, -- what the store's clock said then
  turns      INTEGER NOT NULL, -- counts writes
  halt       TEXT    NOT NULL, -- why nothing may be applied; empty: it may
  key_id     TEXT    NOT NULL,
  mac        BLOB    NOT NULL
) STRICT;

-- The audit trail: append only, without gaps.
CREATE TABLE audit (
  seq    INTEGER PRIMARY KEY,
  prev   BLOB    NOT NULL,
  hash   BLOB    NOT NULL,
  plan   TEXT    NOT NULL, -- as in the body, to find the rows of a plan; else empty
  body   TEXT    NOT NULL, -- canonical JSON
  key_id TEXT    NOT NULL,
  mac    BLOB    NOT NULL
) STRICT;
CREATE INDEX audit_plan ON audit (plan, seq) WHERE plan <> '';

CREATE TABLE plans (
  id             TEXT    PRIMARY KEY,
  kind           TEXT    NOT NULL,
  digest         TEXT    NOT NULL,
  body           BLOB    NOT NULL,
  host           TEXT    NOT NULL,
  parent         TEXT    NOT NULL,
  policy         TEXT    NOT NULL,
  source_id      TEXT    NOT NULL,
  source_name    TEXT    NOT NULL,
  target_id      TEXT    NOT NULL,
  target_name    TEXT    NOT NULL,
  requester_id   TEXT    NOT NULL,
  requester_name TEXT    NOT NULL,
  steps          TEXT    NOT NULL, -- a JSON list of step ids, in order
  state          TEXT    NOT NULL,
  version        INTEGER NOT NULL,
  created_at     INTEGER NOT NULL,
  updated_at     INTEGER NOT NULL,
  expires_at     INTEGER NOT NULL,
  applied_at     INTEGER NOT NULL, -- 0: not yet
  ends_at        INTEGER NOT NULL, -- 0: access without an end
  key_id         TEXT    NOT NULL,
  mac            BLOB    NOT NULL
) STRICT;
CREATE INDEX plans_state ON plans (state, expires_at);
CREATE INDEX plans_parent ON plans (parent) WHERE parent <> '';

CREATE TABLE votes (
  plan         TEXT    NOT NULL REFERENCES plans (id),
  voter_id     TEXT    NOT NULL,
  voter_name   TEXT    NOT NULL,
  decision     TEXT    NOT NULL,
  digest       TEXT    NOT NULL,
  source       TEXT    NOT NULL, -- where the vote was given: a message, or the command line
  event_hash   TEXT    NOT NULL, -- SHA-256 of what arrived
  rule         TEXT    NOT NULL,
  policy       TEXT    NOT NULL,
  at           INTEGER NOT NULL,
  withdrawn_at INTEGER NOT NULL, -- 0: it stands
  key_id       TEXT    NOT NULL,
  mac          BLOB    NOT NULL,
  PRIMARY KEY (plan, voter_id)
) STRICT;

CREATE TABLE intents (
  plan        TEXT    NOT NULL REFERENCES plans (id),
  step        TEXT    NOT NULL,
  attempt     INTEGER NOT NULL,
  before      BLOB    NOT NULL,
  epoch       INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  result      TEXT    NOT NULL, -- empty: no outcome yet
  after       BLOB    NOT NULL,
  attribution TEXT    NOT NULL,
  error       TEXT    NOT NULL,
  ended_at    INTEGER NOT NULL,
  key_id      TEXT    NOT NULL,
  mac         BLOB    NOT NULL,
  PRIMARY KEY (plan, step, attempt)
) STRICT;
CREATE INDEX intents_open ON intents (plan, step, attempt) WHERE result IN ('', 'unknown');

CREATE TABLE leases (
  name        TEXT    PRIMARY KEY,
  holder      TEXT    NOT NULL,
  epoch       INTEGER NOT NULL, -- only grows, also over releases
  acquired_at INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL  -- 0: released
) STRICT;

CREATE TABLE elevations (
  scope    TEXT    PRIMARY KEY,
  before   BLOB    NOT NULL,
  state    TEXT    NOT NULL,
  at       INTEGER NOT NULL,
  deadline INTEGER NOT NULL,
  key_id   TEXT    NOT NULL,
  mac      BLOB    NOT NULL
) STRICT;
CREATE TABLE elevation_holders (
  scope  TEXT    NOT NULL REFERENCES elevations (scope),
  holder TEXT    NOT NULL,
  at     INTEGER NOT NULL,
  PRIMARY KEY (scope, holder)
) STRICT;

CREATE TABLE inbox (
  id          TEXT    PRIMARY KEY,
  body        BLOB    NOT NULL,
  received_at INTEGER NOT NULL,
  handled_at  INTEGER NOT NULL -- 0: not yet
) STRICT;
CREATE INDEX inbox_received ON inbox (received_at);
CREATE TABLE inbox_keys (
  key        TEXT    PRIMARY KEY,
  message    TEXT    NOT NULL REFERENCES inbox (id)
) STRICT;
CREATE INDEX inbox_keys_message ON inbox_keys (message);

CREATE TABLE outbox (
  key        TEXT    PRIMARY KEY,
  body       BLOB    NOT NULL,
  queued_at  INTEGER NOT NULL,
  due_at     INTEGER NOT NULL,
  attempts   INTEGER NOT NULL,
  error      TEXT    NOT NULL,
  sent_at    INTEGER NOT NULL -- 0: not yet
) STRICT;
CREATE INDEX outbox_due ON outbox (due_at) WHERE sent_at = 0;

CREATE TABLE pins (
  team       TEXT    NOT NULL,
  member     TEXT    NOT NULL,
  email      TEXT    NOT NULL,
  principal  TEXT    NOT NULL, -- the Databricks user id
  locked     INTEGER NOT NULL,
  pinned_at  INTEGER NOT NULL,
  key_id     TEXT    NOT NULL,
  mac        BLOB    NOT NULL,
  PRIMARY KEY (team, member)
) STRICT;
