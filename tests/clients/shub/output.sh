#!/usr/bin/env bash
# What a job puts out, read with shub: its log, items and requests, also while it runs. The spider's
# part is curl's. Needs shub (PyPI), curl, jq.
#   SPIDERQ_URL=http://127.0.0.1:6900 SPIDERQ_KEY=... ./output.sh
set -euo pipefail
export SHUB_APIKEY=$SPIDERQ_KEY SHUB_STORAGE=$SPIDERQ_URL PYTHONWARNINGS=ignore

call() { curl --silent --show-error --fail-with-body --user "$SPIDERQ_KEY:" "$@"; }
# Appends its input to an output of the job, from line $2 on.
put() { call "$SPIDERQ_URL/$1/$job?start=$2" --data-binary @- | jq -r '"'"$1"' \(.next_offset)"'; }

job=$(call "$SPIDERQ_URL/api/run.json" -d project=123 -d spider=somespider | jq -r .jobid)
call "$SPIDERQ_URL/jobq/123/startjob" -d '{"spider": "somespider"}' >/dev/null
put logs 0 <<'END'
{"time": 1566311801163, "level": 20, "message": "Spider opened"}
{"time": 1566311802163, "level": 40, "message": "no price"}
END
put requests 0 <<<'{"time": 1566311801999, "url": "http://books.example/", "status": 200}'
put items 0 <<<'{"name": "A", "price": 1.50}'

# shub asks again every 15 s.
coproc FOLLOW { exec shub items -f "$job" 2>/dev/null; }
read -r -t 60 line <&"${FOLLOW[0]}"
echo "followed $line"
put items 1 <<<'{"name": "B", "price": null}'
read -r -t 60 line <&"${FOLLOW[0]}"
echo "followed $line"
kill "$FOLLOW_PID"

call "$SPIDERQ_URL/jobq/123/update" -d "{\"key\": \"$job\", \"state\": \"finished\"}" >/dev/null
for follow in "" "-f"; do
  echo "log $follow"
  shub log $follow "$job" 2>/dev/null
  echo "items $follow"
  shub items $follow "$job" 2>/dev/null
  echo "requests $follow"
  shub requests $follow "$job" 2>/dev/null
done
echo "log -n 1"
shub log -n 1 "$job" 2>/dev/null
echo "items -n 1"
shub items -n 1 "$job" 2>/dev/null
