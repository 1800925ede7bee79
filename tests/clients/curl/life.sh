#!/usr/bin/env bash
# The life of a job in plain HTTP. Needs curl and jq.
#   SPIDERQ_URL=http://127.0.0.1:6900 SPIDERQ_KEY=... ./life.sh
set -euo pipefail

# The key is the user name; there is no password.
call() { curl --silent --show-error --fail-with-body --user "$SPIDERQ_KEY:" "$@"; }
url=$SPIDERQ_URL

# Whoever wants something done schedules it. What is no parameter is a spider argument.
job=$(call "$url/api/run.json" -d project=123 -d spider=somespider -d add_tag=sometag \
  -d arg1=val1 | jq -r .jobid)
echo "scheduled $job"

# A worker takes the most urgent job of the project: all its metadata, and a token.
started=$(call "$url/jobq/123/startjob" -d '{"spider": "somespider"}')
key=$(jq -r .key <<<"$started")
echo "started $key with arg1=$(jq -r .spider_args.arg1 <<<"$started")"

# The token reaches that job alone, as long as it runs: give it to the job itself.
token=$(jq -r .auth <<<"$started")
curl --silent --show-error --fail-with-body --user "$key:$token" \
  "$url/jobs/$key" -d '{"progress": 0.5}'
echo "updated progress=$(call "$url/jobs/$key/progress")"

call "$url/jobq/123/update" -d "{\"key\": \"$key\", \"state\": \"finished\", \"close_reason\": \"finished\"}" |
  jq -r '"finished \(.key), was \(.prevstate)"'

# JSON lines, the latest first; add stop=KEY to read only what is newer than KEY.
call "$url/jobq/123/list?state=finished&has_tag=sometag&count=1" |
  jq -r '"listed \(.key) \(.state)"'

call "$url/jobs/$key" |
  jq -r '"metadata close_reason=\(.close_reason) progress=\(.progress)"'

call "$url/api/jobs/delete.json" -d project=123 -d "job=$key" |
  jq -r '"deleted \(.count)"'
