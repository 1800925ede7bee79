-- A removed API key stays as a row, so that one of the same digest is never kept again.
ALTER TABLE api_keys ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
