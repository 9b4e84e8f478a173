-- Where plans are shown. A card carries no authority: whoever changes one changes where a plan is looked for, and nothing else.
CREATE TABLE cards (
  plan     TEXT    PRIMARY KEY,
  channel  TEXT    NOT NULL,
  ts       TEXT    NOT NULL, -- of the message
  shown    INTEGER NOT NULL, -- the edition that the message shows
  closed   INTEGER NOT NULL, -- 1: no edition will follow
  reminded INTEGER NOT NULL  -- 1: people were reminded that it waits
) STRICT;
CREATE UNIQUE INDEX cards_place ON cards (channel, ts);
CREATE INDEX cards_open ON cards (plan) WHERE closed = 0;

-- What people are shown of a plan beside how it stands: it was found out when the plan was made, and is in no other place.
CREATE TABLE showings (
  plan TEXT PRIMARY KEY,
  body BLOB NOT NULL
) STRICT;
