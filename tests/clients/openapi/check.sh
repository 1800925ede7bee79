#!/usr/bin/env bash
# Holds a server against its own description, /openapi.json. It writes jobs: not for a
# server that you care for. Needs: pip install schemathesis
#   SPIDERQ_URL=http://127.0.0.1:6900 SPIDERQ_KEY=... ./check.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export SCHEMATHESIS_HOOKS=$here/hooks.py
exec st --config-file "$here/schemathesis.toml" run "$SPIDERQ_URL/openapi.json" \
  --header "Authorization: Bearer $SPIDERQ_KEY"
