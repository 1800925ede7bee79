#!/usr/bin/env bash
# Generates Python code from proto/ and runs tour.py with it.
set -euo pipefail
cd "$(dirname "$0")"
proto=../../../proto
mkdir -p gen
python -m grpc_tools.protoc -I "$proto" --python_out=gen --grpc_python_out=gen "$proto"/spiderq/v1/*.proto
PYTHONPATH=gen python tour.py
