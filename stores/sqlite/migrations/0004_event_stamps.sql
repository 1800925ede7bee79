-- `stamp` tells an event from another of the same number that a copy of this file makes. An event
-- log that is kept begins with a row that is no event but the place after which its first one came:
-- only its number and stamp mean something.
ALTER TABLE events ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
-- Of the last event, whether it is kept or not.
ALTER TABLE event_logs ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
