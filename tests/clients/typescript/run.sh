#!/usr/bin/env bash
# Generates TypeScript code from proto/, checks the types of tour.ts with it, and runs it.
set -euo pipefail
cd "$(dirname "$0")"
buf generate ../../../proto
tsc --project .
esbuild tour.ts --bundle --packages=external --platform=node --format=esm \
  --outfile=gen/tour.mjs --log-level=warning
node gen/tour.mjs
