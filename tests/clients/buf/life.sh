#!/usr/bin/env bash
# The life of a job over gRPC, typed by hand: buf asks the server itself what it can do
# (reflection), so no .proto file is needed. Needs buf (npm install @bufbuild/buf) and jq.
#   SPIDERQ_URL=http://127.0.0.1:6900 SPIDERQ_KEY=... ./life.sh
set -euo pipefail

# call METHOD MESSAGE; without --http2-prior-knowledge buf would try HTTP/1 on http://.
call() {
  buf curl --protocol grpc --http2-prior-knowledge -H "authorization: Bearer $SPIDERQ_KEY" \
    -d "$2" "$SPIDERQ_URL/spiderq.v1.$1"
}

# Everything there is: buf curl --protocol grpc --http2-prior-knowledge --list-methods $SPIDERQ_URL
key=$(call JobService/ScheduleJob '{"project": 123, "job": {"spider": {"name": "somespider"},
  "tags": ["sometag"], "spider_args": {"arg1": "val1"}}}' | jq -r .job.key)
echo "scheduled $key"

# A worker has the job for 30 seconds (lease) unless it sends a Heartbeat in time; the
# fence proves that a call comes from this attempt and not from one that was given up.
started=$(call JobQueueService/StartJob '{"project": 123, "spiders": [{"name": "somespider"}]}')
key=$(jq -r .job.key <<<"$started")
fence=$(jq -r .fence <<<"$started")
echo "started $key with arg1=$(jq -r .job.spiderArgs.arg1 <<<"$started")"

call JobQueueService/Heartbeat "{\"key\": \"$key\", \"fence\": \"$fence\"}" >/dev/null
# Values of metadata_json are JSON text, exactly as they were written.
call JobService/SetJobMetadata \
  "{\"key\": \"$key\", \"fence\": \"$fence\", \"metadata_json\": {\"progress\": \"0.5\"}}" >/dev/null
echo "updated progress=$(call JobService/GetJob "{\"key\": \"$key\"}" | jq -r .job.metadataJson.progress)"

call JobQueueService/UpdateQueue "{\"updates\": [{\"key\": \"$key\",
  \"fence\": \"$fence\", \"state\": \"JOB_STATE_FINISHED\", \"close_reason\": \"finished\"}]}" |
  jq -r '.results[] | "finished \(.key), was \(.made.previousState | ltrimstr("JOB_STATE_") | ascii_downcase)"'

# A stream of jobs, the latest first.
call JobQueueService/ListQueue \
  '{"project": 123, "filter": {"states": ["JOB_STATE_FINISHED"], "has_tags": ["sometag"]}, "limit": 1}' |
  jq -r '.job | "listed \(.key) \(.state | ltrimstr("JOB_STATE_") | ascii_downcase)"'

call JobService/GetJob "{\"key\": \"$key\"}" |
  jq -r '.job | "metadata close_reason=\(.closeReason) progress=\(.metadataJson.progress)"'

call JobService/DeleteJobs "{\"filter\": {\"keys\": [\"$key\"]}}" |
  jq -r '"deleted \(.count)"'
