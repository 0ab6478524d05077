#!/usr/bin/env bash
# lane: kill -9 under load, KILL_ROUNDS (12) times each with ASYNC_FLUSH and SYNC_FLUSH; nothing acknowledged is lost
# limit: 600
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup.sh

configure release
build release oncemq
for flush in ASYNC_FLUSH SYNC_FLUSH; do
  python3 tests/kill/kill_loop.py build/release/oncemq --rounds "${KILL_ROUNDS:-12}" --flush "$flush"
done
