-- When an API key expires, and when it was last used: ms; NULL for never.
ALTER TABLE api_keys ADD COLUMN expires INTEGER;
ALTER TABLE api_keys ADD COLUMN last_used INTEGER;
