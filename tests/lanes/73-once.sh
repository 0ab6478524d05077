#!/usr/bin/env bash
# lane: effects that happen once, on a SQLite file and on a PostgreSQL that the tests start
# needs: databases
# limit: 300
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup.sh

configure release
build release oncemq lane_once
ctest --test-dir build/release -L '^once$' -j "$(nproc)" --output-on-failure --no-tests=error
