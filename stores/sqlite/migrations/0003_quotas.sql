-- What an API key may use of a server, a JSON object of numbers; NULL: as the server says.
ALTER TABLE api_keys ADD COLUMN quotas TEXT;
