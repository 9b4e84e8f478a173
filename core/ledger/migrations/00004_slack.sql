-- What the bot keeps of its dealings with Slack beside plans. Neither table carries authority: whoever changes one changes when a
-- file of the bot's own is deleted, or whether somebody is told once more. Times are the bot's.
CREATE TABLE uploads (
  file        TEXT    PRIMARY KEY, -- Slack's id
  work        TEXT    NOT NULL,    -- of which job or plan it is a report: job/… or plan/…
  uploaded_at INTEGER NOT NULL,
  delete_at   INTEGER NOT NULL,    -- until when people were told that it is kept
  next_at     INTEGER NOT NULL,    -- when it is tried to delete it, or tried again
  attempts    INTEGER NOT NULL,
  error       TEXT    NOT NULL,    -- of the last attempt
  deleted_at  INTEGER NOT NULL     -- 0: not yet
) STRICT;
CREATE INDEX uploads_next ON uploads (next_at) WHERE deleted_at = 0;

-- Channels in which nothing is posted because they are shared with others, and whether their owner was told.
CREATE TABLE shared_channels (
  channel TEXT    PRIMARY KEY,
  since   INTEGER NOT NULL,
  told    INTEGER NOT NULL -- 1: yes, or somebody is about to
) STRICT;
