#!/usr/bin/env bash
# lane: effects that happen once and the command `oncemq once`, on a SQLite file and on a PostgreSQL that the tests start; ONCE_KILLS (15) times kill -9 of consumer, broker and database
# needs: databases
# limit: 900
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup.sh

configure release
build release oncemq lane_once once_teller
ctest --test-dir build/release -L '^once$' -j "$(nproc)" --output-on-failure --no-tests=error

ONCEMQ=$PWD/build/release/oncemq python3 -m unittest discover -s tests/once -v

storm() { python3 tests/once/kill_storm.py build/release/oncemq build/release/once_teller "$@"; }
kills=${ONCE_KILLS:-15}
storm --engine sqlite --kills "$kills"
storm --engine postgresql --kills "$kills"
# Consumers that are broken on purpose have to be noticed.
storm --engine sqlite --kills 8 --apart
