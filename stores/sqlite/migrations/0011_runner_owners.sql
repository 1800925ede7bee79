-- The owner of the API key that registered a runner. Those of a server before have none.
ALTER TABLE runners ADD COLUMN owner TEXT NOT NULL DEFAULT '';
