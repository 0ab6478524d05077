#!/usr/bin/env bash
# lane: `oncemq outbox`, on a SQLite file and on a PostgreSQL that the tests start; OUTBOX_KILLS (12) times kill -9 of relays, broker and database
# needs: databases
# limit: 900
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup.sh

configure release
build release oncemq
ONCEMQ=$PWD/build/release/oncemq python3 -m unittest discover -s tests/outbox -v

kills=${OUTBOX_KILLS:-12}
for engine in sqlite postgresql; do
  python3 tests/outbox/relay_storm.py build/release/oncemq --engine "$engine" --kills "$kills"
done
