#!/usr/bin/env bash
# The life of a job with shub, the command line of Scrapy Cloud, pointed at your own server.
# shub logs in, schedules and cancels; the worker's part is curl's. Needs shub (PyPI), curl, jq.
#   SPIDERQ_URL=http://127.0.0.1:6900 SPIDERQ_KEY=... ./life.sh
set -euo pipefail

# Two settings turn shub to a server of your own: the endpoint of the configuration (usually
# ~/.scrapinghub.yml) for what it schedules, and SHUB_STORAGE for what it cancels.
SHUB_GLOBAL_CONFIG=$(mktemp)
trap 'rm -f "$SHUB_GLOBAL_CONFIG"' EXIT
export SHUB_GLOBAL_CONFIG SHUB_STORAGE=$SPIDERQ_URL
cat >"$SHUB_GLOBAL_CONFIG" <<END
endpoints:
  default: $SPIDERQ_URL/api/
projects:
  default: 123
END

# Asks for the key, checks it and keeps it in the configuration.
shub login <<<"$SPIDERQ_KEY" | grep -o "you are logged in now"

job=$(shub schedule somespider -a arg1=val1 -t sometag | sed -n 's/.*job ID: //p')
echo "scheduled $job"

call() { curl --silent --show-error --fail-with-body --user "$SPIDERQ_KEY:" "$@"; }
key=$(call "$SPIDERQ_URL/jobq/123/startjob" -d '{"spider": "somespider"}' | jq -r .key)
echo "started $key with arg1=$(call "$SPIDERQ_URL/jobs/$key/spider_args" | jq -r .arg1)"

# A running job is asked to stop; its worker sees that in the metadata and ends it.
echo "cancelled $(shub cancel --force "${key#123/}")"
echo "updated stop_requested=$(call "$SPIDERQ_URL/jobs/$key/stop_requested")"
call "$SPIDERQ_URL/jobq/123/update" \
  -d "{\"key\": \"$key\", \"state\": \"finished\", \"close_reason\": \"cancelled\"}" |
  jq -r '"finished \(.key), was \(.prevstate)"'

call "$SPIDERQ_URL/jobq/123/list?state=finished&has_tag=sometag&count=1" |
  jq -r '"listed \(.key) \(.state)"'
call "$SPIDERQ_URL/jobs/$key" | jq -r '"metadata close_reason=\(.close_reason)"'
call "$SPIDERQ_URL/api/jobs/delete.json" -d project=123 -d "job=$key" | jq -r '"deleted \(.count)"'
