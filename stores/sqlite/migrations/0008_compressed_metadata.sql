-- A job's metadata, where they are compressed (spiderq_compression); `metadata` is then empty. NULL:
-- they are not, as in all rows of older versions. Stands last for the same reason as `metadata`.
ALTER TABLE jobs ADD COLUMN compressed BLOB;
