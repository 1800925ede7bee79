#!/usr/bin/env bash
# Generates Go code from proto/ and runs tour.go with it. The libraries are Debian's, in
# /usr/share/gocode: no module is fetched. In a project with modules, give protoc-gen-go the option
# module= or M, so that the code gets an import path of yours.
set -euo pipefail
cd "$(dirname "$0")"
buf generate --path ../../../proto/spiderq ../../../proto
export GO111MODULE=off GOPATH="$PWD/gen:/usr/share/gocode" GOFLAGS=
# What was compiled once is kept, so that the next run takes a second.
export GOCACHE="${GOCACHE:-$PWD/gen/cache}"
go run tour.go
